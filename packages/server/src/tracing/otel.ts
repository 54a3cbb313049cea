import { type Context, diag, DiagLogLevel, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { Span as OtelSpan } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import type { Log } from '../core/ports/outside.ts'
import type { Span, Tracer } from '../core/ports/tracing.ts'

/**
 * Sends spans to the collector that the standard variables name (`OTEL_EXPORTER_OTLP_ENDPOINT`, `…_HEADERS`, `…_TIMEOUT`,
 * `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_TRACES_SAMPLER`, `OTEL_BSP_…`), as OTLP over HTTP in JSON. The
 * official SDK reads them itself.
 */
export function createTracer(version: string, log: Log): Tracer {
  const say = (message: string, ...more: unknown[]) =>
    log.warn('traces could not be sent', { why: [message, ...more].map(String).join(' ').slice(0, LONGEST) })
  diag.setLogger({ error: say, warn: say, info() {}, debug() {}, verbose() {} }, { logLevel: DiagLogLevel.WARN })
  const resource = defaultResource()
    .merge(resourceFromAttributes({ 'service.name': 'claude-proxy', 'service.version': version }))
    // What the operator says wins.
    .merge(detectResources({ detectors: [envDetector] }))
  const provider = new TracerProvider({
    resource,
    spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter() })],
  })
  const tracer = provider.getTracer('claude-proxy', version)
  const contexts = new WeakMap<Span, Context>()

  return {
    start({ name, at, attributes, isRequest, parent }) {
      const context = typeof parent === 'object' ? contexts.get(parent) : remote(parent)
      const kind = isRequest ? SpanKind.SERVER : SpanKind.INTERNAL
      const span = tracer.startSpan(name, { startTime: at, kind, attributes }, context ?? ROOT_CONTEXT)
      const ours = wrapped(span)
      contexts.set(ours, trace.setSpan(ROOT_CONTEXT, span))
      return ours
    },

    async close(withinMs) {
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, withinMs)
      })
      await Promise.race([provider.shutdown(), late]).catch((error: unknown) => say(String(error)))
      clearTimeout(timer)
    },
  }
}

/** What a collector answers may be a page. */
const LONGEST = 500

function wrapped(span: OtelSpan): Span {
  return {
    note: (event, at) => void span.addEvent(event, at),
    set: (attributes) => void span.setAttributes(attributes),
    end(at, failure) {
      if (failure !== undefined) {
        span.setAttribute('error.type', failure)
        span.setStatus({ code: SpanStatusCode.ERROR, message: failure })
      }
      span.end(at)
    },
  }
}

/** The caller's place in its own trace (W3C Trace Context, section 3.2); undefined when it names none. */
function remote(traceparent: string | undefined): Context | undefined {
  const [, version, traceId = '', spanId = '', flags = ''] =
    /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/.exec(traceparent ?? '') ?? []
  if (version === undefined || version === 'ff' || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: parseInt(flags, 16) & 1, isRemote: true })
}
