/** The three forms in which an op names pages: page=3, page=1,4,5 or first=0 pages=16 stride=2. */
interface PageArguments {
  readonly page: number | readonly number[] | undefined;
  readonly first: number | undefined;
  readonly pages: number | undefined;
  readonly stride: number;
}

/** The pages that an op names, in its order. */
export function pagesOf({ page, first, pages, stride }: PageArguments): readonly number[] {
  if (page !== undefined) return typeof page === 'number' ? [page] : page;
  const from = first ?? 0;
  const end = from + (pages ?? 0);
  const list: number[] = [];
  for (let at = from; at < end; at += stride) list.push(at);
  return list;
}

/** Lists longer than this are recorded as run lengths. */
const LONGEST_LIST = 64;

/** Run lengths: [count, value], … */
export function runLengths<T>(values: readonly T[]): [count: number, value: T][] {
  const runs: [number, T][] = [];
  for (const value of values) {
    const last = runs.at(-1);
    if (last !== undefined && last[1] === value) last[0]++;
    else runs.push([1, value]);
  }
  return runs;
}

/** A list as a result has it: `value`, `values` or `values_rle`. */
export function listed(one: string, many: string, values: readonly unknown[]): Readonly<Record<string, unknown>> {
  if (values.length === 1) return { [one]: values[0] };
  return values.length > LONGEST_LIST ? { [`${many}_rle`]: runLengths(values) } : { [many]: values };
}
