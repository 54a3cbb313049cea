import { contractSuite } from './contract/suite.ts'
import { SCRIPTED } from './words.ts'

contractSuite('scripted', SCRIPTED)
