import Table from 'cli-table3';
import { basename } from 'node:path';
import { formatNs } from '../../engine/index.js';
import { SKIP_TEXT, type CaptureSummary } from '../capture/index.js';
import { NOT_POSTED_TEXT } from '../replay/index.js';
import type { ColumnResult } from './column.js';
import type { Comparison } from './compare.js';

/** One row of the table: what it is called, and what a column says. */
interface Row {
  readonly label: string;
  readonly value: (column: ColumnResult, summary: CaptureSummary) => string;
}

const ROWS: readonly Row[] = [
  { label: 'memory registration', value: (_, { remoteMemory }) => (remoteMemory.length === 0 ? 'none' : 'ok') },
  { label: 'requests completed', value: (c) => `${count(c.completed)} of ${count(wanted(c))}` },
  { label: '  with an error', value: (c) => count(c.errors) },
  { label: '  not at all', value: (c) => count(c.unfinished) },
  { label: 'bytes acknowledged', value: (c) => count(c.acknowledgedBytes) },
  { label: 'POWER FAILS AT THE WORST MOMENT', value: () => '' },
  { label: '  fsynced bytes lost', value: (c) => `${count(c.lostBytes)} of ${count(c.promisedBytes)}` },
  { label: '  torn blocks', value: (c) => count(c.tornBlocks) },
  { label: '  blocks with a bad checksum', value: (c) => count(c.badChecksums) },
  { label: 'AT THE END OF THE RUN', value: () => '' },
  { label: '  fsynced bytes lost', value: (c) => `${count(c.atEnd.lostBytes)} of ${count(c.promisedBytes)}` },
  { label: 'stale reads', value: (c) => count(c.staleReads) },
  { label: 'file system complaints', value: (c) => count(c.fsErrors) },
  { label: 'COST', value: () => '' },
  { label: '  throughput', value: (c) => `${formatBytes(c.throughputBytesPerSecond)}/s` },
  { label: '  latency p50', value: (c) => formatNs(c.latencyNs.p50) },
  { label: '  latency p99', value: (c) => formatNs(c.latencyNs.p99) },
  { label: '  latency max', value: (c) => formatNs(c.latencyNs.max) },
  { label: '  device page faults', value: (c) => count(c.deviceFaults) },
  { label: '  invalidations', value: (c) => count(c.invalidations) },
  { label: '  RNR NAKs', value: (c) => count(c.rnrNaks) },
  { label: '  packets retransmitted', value: (c) => count(c.retransmits) },
  { label: '  pages pinned', value: (c) => count(c.pinnedPages) },
  { label: '  pages resident', value: (c) => count(c.residentPages) },
  { label: '  fsync calls', value: (c) => count(c.fsync.count) },
  { label: '  fsync time, mean', value: (c) => (c.fsync.count === 0 ? '-' : formatNs(mean(c.fsync.totalNs, c))) },
  {
    label: '  fsync wait for device, mean',
    value: (c) => (c.fsync.count === 0 ? '-' : formatNs(mean(c.fsync.waitedForDeviceNs, c))),
  },
];

/** What each policy means to a reader. */
const HEADINGS: Readonly<Partial<Record<string, string>>> = {
  P0: 'Linux before 6.5',
  P1: 'Linux 6.5 and later',
  P12: 'mmu notifiers',
};

/** The comparison as text: what was replayed, the table, and what it says. */
export function comparisonText(comparison: Comparison): string {
  return [...preamble(comparison), table(comparison), ...conclusions(comparison.columns), ''].join('\n');
}

function preamble({ summary, options, columns }: Comparison): string[] {
  const { fileSystem, disk, fsyncPeriod, writeback, device, seed } = options;
  const fsync = fsyncPeriod === 0 ? 'one fsync at the end' : `fsync every ${formatNs(fsyncPeriod)}`;
  const timers =
    writeback.writeback === 0
      ? 'no background writeback'
      : `writeback every ${formatNs(writeback.writeback)} of what is ${formatNs(writeback.expire)} old`;
  return [
    `capture  ${basename(summary.path)}: ${count(summary.frames)} frames, ${formatNs(summary.durationNs)}, ${traffic(summary)}`,
    `memory   as if it were files: ${memory(summary)}`,
    `machine  ${fileSystem} on ${disk.name}, ${fsync}, ${timers}; NIC ${device.name}; seed ${String(seed)}`,
    ...leftOut(summary),
    ...aboutTime(summary, columns),
    '',
  ];
}

function traffic(summary: CaptureSummary): string {
  return summary.operations.map(({ operation, requests }) => `${count(requests)} ${operation}`).join(', ');
}

function memory({ remoteMemory }: CaptureSummary): string {
  const owners = [...new Set(remoteMemory.map(({ owner }) => owner))];
  if (owners.length === 0) return 'none, nobody reaches remote memory';
  return owners
    .map((owner) => `${owner}, ${plural(remoteMemory.filter((key) => key.owner === owner).length, 'rkey')}`)
    .join('; ');
}

function leftOut({ skips, damage }: CaptureSummary): string[] {
  const lines = skips.map(
    ({ reason, count: times, firstFrame, firstOffset, detail }) =>
      `left out ${count(times)} x ${SKIP_TEXT[reason]}, first at frame ${String(firstFrame)}, byte ${String(firstOffset)}` +
      (detail === undefined ? '' : `: ${detail}`),
  );
  if (damage !== undefined) {
    lines.push(`stopped  at frame ${String(damage.frame)}, byte ${String(damage.offset)}: ${damage.problem}`);
  }
  return lines;
}

function aboutTime({ silences, backwardStamps }: CaptureSummary, columns: readonly ColumnResult[]): string[] {
  const shortened = Math.max(0, ...columns.map(({ shortenedNs }) => shortenedNs));
  return [
    ...(shortened > 0
      ? [`skipped  ${formatNs(shortened)} of ${plural(silences.length, 'silence')} in the capture`]
      : []),
    ...(backwardStamps > 0 ? [`clock    ran backwards at ${plural(backwardStamps, 'frame')}, which is ignored`] : []),
  ];
}

function table({ columns, summary }: Comparison): string {
  const out = new Table({
    head: ['', ...columns.map(heading)],
    colAligns: ['left', ...columns.map(() => 'right' as const)],
    style: { head: [], border: [] },
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
  });
  for (const { label, value } of ROWS) {
    out.push([
      label,
      ...columns.map((column) => (column.refused === undefined ? value(column, summary) : refusedCell(label, column))),
    ]);
  }
  return out.toString();
}

function heading({ driver, policy }: ColumnResult): string {
  const era = HEADINGS[policy];
  return `${driver} (${policy})${era === undefined ? '' : `\n${era}`}`;
}

function refusedCell(label: string, { refused }: ColumnResult): string {
  return label === 'memory registration' ? `refused: ${refused?.errno ?? ''}` : '';
}

function conclusions(columns: readonly ColumnResult[]): string[] {
  return columns.flatMap((column) => ['', `${column.driver} (${column.policy}): ${conclusion(column)}`]);
}

function conclusion(column: ColumnResult): string {
  const { refused, pinnedPages, requests } = column;
  if (refused !== undefined) return `the application does not start: ${refused.reason}.`;
  const notPosted = column.notPosted.map(
    ({ reason, count: times, firstFrame, firstOffset }) =>
      ` ${count(times)} requests were left out: ${NOT_POSTED_TEXT[reason]} (first at frame ${String(firstFrame)}, byte ${String(firstOffset)}).`,
  );
  const cost = pinnedPages > 0 ? `up to ${plural(pinnedPages, 'page')} pinned at once` : 'no page was pinned';
  const verdict = requests === 0 ? 'no request was posted' : [...failures(column), verdictOf(column)].join('; ');
  return `${verdict}; ${cost}.${notPosted.join('')}`;
}

/** What did not work, whatever became of the data. */
function failures(column: ColumnResult): string[] {
  const { errors, unfinished } = column;
  const all = count(wanted(column));
  return [
    errors > 0 ? `${count(errors)} of ${all} requests failed` : '',
    unfinished > 0
      ? `${count(unfinished)} of ${all} requests had not ended when nothing had for a long time: the device was starved`
      : '',
  ].filter((text) => text !== '');
}

function verdictOf(column: ColumnResult): string {
  const { lostBytes, tornBlocks, badChecksums, staleReads, fsErrors, worstMomentNs, promisedBytes } = column;
  const harm = [
    lostBytes > 0
      ? `${formatNs(worstMomentNs)} after the first request, ${count(lostBytes)} bytes that fsync had promised were not on the disk`
      : '',
    tornBlocks > 0 ? `${plural(tornBlocks, 'block')} held half of a request` : '',
    badChecksums > 0 ? `${plural(badChecksums, 'block')} could not be read for a bad checksum` : '',
    staleReads > 0 ? `${plural(staleReads, 'READ')} returned old data` : '',
    fsErrors > 0 ? `the file system complained ${plural(fsErrors, 'time')}` : '',
  ].filter((text) => text !== '');
  if (harm.length > 0) return harm.join('; ');
  return promisedBytes === 0
    ? 'there was nothing for fsync to promise'
    : 'at every fsync, all that it promised was on the disk, whole';
}

/** Requests that were posted or waited to be. */
function wanted({ completed, errors, unfinished }: ColumnResult): number {
  return completed + errors + unfinished;
}

function mean(total: number, { fsync }: ColumnResult): number {
  return Math.round(total / fsync.count);
}

function count(n: number): string {
  return n.toLocaleString('en-US');
}

function plural(n: number, noun: string): string {
  return `${count(n)} ${noun}${n === 1 ? '' : 's'}`;
}

function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB'];
  let unit = 0;
  let value = bytes;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${String(Number(value.toPrecision(3)))} ${units[unit]}`;
}
