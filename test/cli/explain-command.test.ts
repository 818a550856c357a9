import { run } from '../../src/cli/index.js';
import { SECTIONS } from '../../src/lab/index.js';
import type { RecordedStep } from '../../src/lab/program/index.js';

async function pinless(...args: string[]): Promise<{ status: number; out: string; err: string }> {
  const out: string[] = [];
  const err: string[] = [];
  const status = await run(args, '1.2.3', {
    out: (text) => void out.push(text),
    err: (text) => void err.push(text),
    showsProgress: false,
  });
  return { status, out: out.join(''), err: err.join('') };
}

interface Explained {
  readonly section: string;
  readonly title: string;
  readonly recorded: readonly string[];
  readonly shown: readonly { memory: string; steps: readonly { step: RecordedStep; text: string }[] }[];
}

describe('pinless explain', () => {
  it('shows what has the words: a program, its steps and what there is to know', async () => {
    const { status, out, err } = await pinless('explain', 'MREMAP_DONTUNMAP');
    expect([status, err]).toEqual([0, '']);
    expect(out).toMatch(/^Moving: mremap with MREMAP_DONTUNMAP\n\n {2}map name=m kind=anon .*\n {2}# ext4: map name=m/);
    expect(out).toContain('dontunmap=1: <UNMAP[0,16) cb u[0,16) t[0,16)>\n');
    expect(out).toContain('\nOnly the first of the two events of a move. ');
  });

  it('shows all operations without words', async () => {
    const { status, out } = await pinless('explain');
    expect(status).toBe(0);
    for (const { title, operations } of SECTIONS) {
      for (const operation of operations) expect(out).toContain(`${title}: ${operation.title}\n`);
    }
  });

  it('--json has the events as recordings have them', async () => {
    const { status, out } = await pinless('explain', 'deregistration', '--json');
    expect(status).toBe(0);
    const [{ section, recorded, shown }] = JSON.parse(out) as Explained[];
    expect([section, recorded, shown[0].memory]).toEqual(['The end', ['no_event.anon'], 'anon']);
    expect(shown[0].steps[0]).toMatchObject({
      text: 'dereg mr=r: u[0,16) mr_removed',
      step: { do: { op: 'dereg', mr: 'r' }, events: [{ kind: 'nic_unmap' }, { kind: 'mr_removed' }] },
    });
  });

  it('--markdown is the whole page, and takes no words', async () => {
    const { status, out } = await pinless('explain', '--markdown');
    expect([status, out.startsWith('# What Linux really does to your device\n')]).toEqual([0, true]);
    expect(await pinless('explain', '--markdown', 'fork')).toMatchObject({ status: 2, out: '' });
  });

  it('says which word is unknown, and what the sections are', async () => {
    const { status, out, err } = await pinless('explain', 'fork', 'zswap');
    expect([status, out]).toEqual([1, '']);
    expect(err).toMatch(/^pinless: no operation has "zswap" in it; the sections are\n/);
    for (const { title } of SECTIONS) expect(err).toContain(`\n  ${title}\n`);
  });

  it('says so if words do not come together', async () => {
    const { status, err } = await pinless('explain', 'reflink', 'fork');
    expect([status, err.split(';')[0]]).toEqual([1, 'pinless: no operation has all of "reflink", "fork"']);
  });
});
