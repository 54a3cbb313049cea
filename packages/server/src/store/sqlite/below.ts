/** The condition that the folder in `column` is one of a list, in JSON, or lies below one. `list`: the parameter with it. */
export function isBelow(column: string, list = '?'): string {
  return `EXISTS (SELECT 1 FROM json_each(${list}) AS root WHERE ${column} = root.value
    OR substr(${column}, 1, length(rtrim(root.value, '/')) + 1) = rtrim(root.value, '/') || '/')`
}
