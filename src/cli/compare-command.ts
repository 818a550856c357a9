import { Command } from 'commander';
import { Rules } from '../check/index.js';
import { MS, SEC, US, formatNs } from '../engine/index.js';
import { DISK_PROFILES, LINUX_WRITEBACK_TIMERS, NVME, type DiskProfile } from '../fs/index.js';
import { FILE_SYSTEMS, type FileSystemKind } from '../kernel/index.js';
import { compare, comparisonJson, comparisonText, foundLoss, type CompareOptions, type Monitor } from '../lab/index.js';
import { CONNECTX, DEVICE_PROFILES, observeNic } from '../../devices/nic/index.js';
import { loadDrivers } from './load-drivers.js';
import { WholeFile, type Output } from './output.js';
import { parseChoice, parseDuration, parseInteger, parseSize } from './parse-options.js';
import { Progress } from './progress.js';

/** What commander hands over: every option as the text that was typed. */
interface Typed {
  readonly fs: string;
  readonly fsyncPeriod: string;
  readonly writebackInterval: string;
  readonly dirtyExpire: string;
  readonly storage: string;
  readonly storageLatency?: string;
  readonly device: string;
  readonly memory: string;
  readonly fileContent: string;
  readonly drivers: string;
  readonly seed: string;
  readonly icrc: string;
  readonly asFastAsPossible?: true;
  readonly failOnLoss?: true;
  readonly json?: true;
  readonly trace?: string;
}

const EXAMPLES = `
Examples:
  pinless compare capture.pcap
      pins against on-demand paging, over the same file under the same writeback
  pinless compare capture.pcap --fs btrfs --fsync-period 10ms --device rxe
  pinless compare capture.pcap --json --fail-on-loss | jq '.columns[].lostBytes'

Exit status: 0 done; 1 data was lost and --fail-on-loss was given; 2 the input or the command line cannot be used.
The columns are the drivers of --drivers: those that pin under policy P0 (Linux before 6.5) and, last, under P1
(Linux 6.5 and later, which refuses the pin); those that page on demand under P12.`;

/** The rules that watch every run. A driver that pins follows none of those that bind drivers. */
const underTheRules: Monitor = (run) => {
  const rules = new Rules(run.world.kernel.mm);
  if (run.driver.onDemandPaging) for (const nic of run.nics) rules.watch(observeNic(nic));
  run.onRegion((region) => {
    rules.watchRegion(region);
  });
  return () => {
    rules.finish();
  };
};

/**
 * `pinless compare`.
 * @param finish told the exit status
 */
export function compareCommand(output: Output, finish: (status: number) => void): Command {
  const names = (choices: readonly { readonly name: string }[]): string => choices.map(({ name }) => name).join(', ');
  const { writeback, expire } = LINUX_WRITEBACK_TIMERS;
  return new Command('compare')
    .summary('replay a RoCEv2 capture onto file-backed memory: pinned against on-demand')
    .description(
      'Replays the RDMA requests of a capture (pcap or pcapng, RoCEv2) as if the memory that they reach were a mapped ' +
        'file, once per driver, and compares what fsync had promised with what a power loss leaves.',
    )
    .argument('<capture>', 'pcap or pcapng file with RoCEv2 traffic')
    .option('--fs <name>', `file system: ${Object.keys(FILE_SYSTEMS).join(', ')}`, 'ext4')
    .option('--fsync-period <time>', 'time between fsyncs of the file; 0: only one at the end', '50ms')
    .option('--writeback-interval <time>', 'dirty_writeback_centisecs as a time; 0: never', formatTime(writeback))
    .option('--dirty-expire <time>', 'dirty_expire_centisecs as a time', formatTime(expire))
    .option('--storage <name>', `disk: ${names(DISK_PROFILES)}`, NVME.name)
    .option('--storage-latency <time>', 'read and write latency of the disk, instead of its own')
    .option('--device <name>', `NIC: ${names(DEVICE_PROFILES)}`, CONNECTX.name)
    .option('--memory <size>', 'memory of the machine, 1M to 256G', '16G')
    .option(
      '--file-content <state>',
      'before the run the file has blocks on the disk, or is a hole: written, hole',
      'written',
    )
    .option('--drivers <list>', 'comma-separated: pinned, odp, or modules that export a driver plugin', 'pinned,odp')
    .option('--seed <number>', 'seed of every random decision', '1')
    .option('--icrc <policy>', 'frames with a wrong ICRC: check (leave them out) or ignore (use them)', 'check')
    .option('--as-fast-as-possible', 'post requests without waiting for their captured times')
    .option('--fail-on-loss', 'exit with status 1 if any column lost, tore or misread data')
    .option('--json', 'print one JSON object and nothing else')
    .option('--trace <file>', 'write the trace of all columns, a line of JSON per event')
    .addHelpText('after', EXAMPLES)
    .action(async (capture: string, typed: Typed) => {
      finish(await runCompare(capture, typed, output));
    });
}

async function runCompare(capture: string, typed: Typed, output: Output): Promise<number> {
  const progress = new Progress(output);
  const options = await resolveOptions(capture, typed, progress);
  const trace = typed.trace === undefined ? null : new WholeFile('--trace', typed.trace, capture);
  try {
    const comparison = compare(
      options,
      trace === null
        ? null
        : (line) => {
            trace.write(line);
          },
    );
    trace?.commit();
    progress.clear();
    output.out(
      typed.json === true ? `${JSON.stringify(comparisonJson(comparison), null, 2)}\n` : comparisonText(comparison),
    );
    return typed.failOnLoss === true && foundLoss(comparison) ? 1 : 0;
  } catch (error) {
    progress.clear();
    trace?.discard();
    throw error;
  }
}

async function resolveOptions(capture: string, typed: Typed, progress: Progress): Promise<CompareOptions> {
  const fileSystems = (Object.keys(FILE_SYSTEMS) as FileSystemKind[]).map((name) => ({ name }));
  return {
    capture,
    seed: parseInteger('--seed', typed.seed, 0, 2 ** 31 - 1),
    fileSystem: parseChoice('--fs', typed.fs, fileSystems).name,
    fsyncPeriod: parseDuration('--fsync-period', typed.fsyncPeriod),
    writeback: {
      writeback: parseDuration('--writeback-interval', typed.writebackInterval),
      expire: parseDuration('--dirty-expire', typed.dirtyExpire),
    },
    disk: diskOf(typed),
    device: parseChoice('--device', typed.device, DEVICE_PROFILES),
    memory: parseSize('--memory', typed.memory, 2 ** 20, 2 ** 38),
    content: parseChoice('--file-content', typed.fileContent, [{ name: 'written' }, { name: 'hole' }] as const).name,
    asFastAsPossible: typed.asFastAsPossible === true,
    icrc: parseChoice('--icrc', typed.icrc, [{ name: 'check' }, { name: 'ignore' }] as const).name,
    drivers: await loadDrivers(typed.drivers),
    monitors: [underTheRules],
    onProgress: (column, done, total) => {
      progress.update(column, done, total);
    },
  };
}

function diskOf({ storage, storageLatency }: Typed): DiskProfile {
  const profile = parseChoice('--storage', storage, DISK_PROFILES);
  if (storageLatency === undefined) return profile;
  const latency = parseDuration('--storage-latency', storageLatency);
  return { ...profile, name: `${profile.name} with ${formatNs(latency)}`, readLatency: latency, writeLatency: latency };
}

/** A time as the options take it. */
function formatTime(ns: number): string {
  if (ns % SEC === 0) return `${String(ns / SEC)}s`;
  if (ns % MS === 0) return `${String(ns / MS)}ms`;
  return ns % US === 0 ? `${String(ns / US)}us` : `${String(ns)}ns`;
}
