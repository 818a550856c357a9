import { advice, ksmLine } from './advice.js';
import { pick, type Choice, type Choices } from './choices.js';
import type { ProgramKind } from './kinds.js';

/** Writes a program of what was drawn: valid whatever that was, and shorter if that is shorter. */
export function assemble(kind: ProgramKind, choices: Choices): string[] {
  return new Assembly(kind, choices).lines;
}

class Assembly {
  readonly lines: string[] = [];
  private readonly pages: number;
  /** Areas by name, with their sizes. */
  private readonly areas = new Map<string, number>();
  private readonly mrs: {
    readonly name: string;
    readonly area: string;
    readonly first: number;
    readonly pages: number;
  }[] = [];
  private children: string[] = [];
  private forks = 0;
  private value = 0x30;

  constructor(
    private readonly kind: ProgramKind,
    choices: Choices,
  ) {
    this.pages = pick(kind.pages, choices.size);
    if (kind.set !== undefined) this.lines.push(kind.set);
    this.mapFirst(choices);
    if (choices.touch % 3 === 1) this.lines.push(`cpu_write map=m ${this.touched()} value=0x30`);
    if (choices.touch % 3 === 2) this.lines.push(`cpu_read map=m ${this.touched()}`);
    this.addMr(choices.mr);
    for (const choice of choices.ops) this.add(choice);
    if (choices.readAll) this.readAll();
    this.end(choices.end);
  }

  private mapFirst({ content }: Choices): void {
    const { kind } = this;
    const words = [`map name=m kind=${kind.kind} share=${kind.share} prot=rw pages=${String(this.pages)}`];
    if (kind.contents.length > 0) words.push(`content=${pick(kind.contents, content)}`);
    if (kind.thp !== null) words.push(`thp=${kind.thp}`);
    this.lines.push(words.join(' '));
    this.areas.set('m', this.pages);
  }

  /** All pages of a small area, a few of a large one. */
  private touched(): string {
    return this.pages > 64 ? 'page=0,1,3,69,511' : `first=0 pages=${String(this.pages)}`;
  }

  private end(how: number): void {
    const last = how === 19 ? 'kill' : how === 18 ? 'exec' : 'exit';
    if (last === 'exit') this.lines.push(...this.children.map((child) => `exit proc=${child}`));
    this.lines.push(last, 'after_exit');
  }

  private readAll(): void {
    const mr = this.mrs.at(0);
    if (mr !== undefined && mr.area === 'm') this.lines.push(`rdma_read mr=${mr.name} ${this.touched()}`);
    this.lines.push(`cpu_read map=m ${this.touched()}`);
  }

  private add(choice: Choice): void {
    const line = this.line(choice);
    if (line !== null) this.lines.push(line);
  }

  /** A line for a choice; null if there is nothing to do it to. */
  private line(choice: Choice): string | null {
    const { op, a, c } = choice;
    switch (op) {
      case 'cpu_write':
        return `cpu_write map=${this.area(c)} page=${this.page(a)} value=${this.nextValue()}`;
      case 'cpu_read':
        return `cpu_read map=${this.area(c)} page=${this.page(a)}`;
      case 'child_access':
        return this.childAccess(choice);
      case 'madvise':
        return `madvise ${this.range(choice)} advice=${advice(c)}`;
      case 'mprotect':
        return `mprotect ${this.range(choice)} prot=${pick(['rw', 'r', 'none'], c)}`;
      case 'munmap':
      case 'mlock':
      case 'munlock':
        return `${op} ${this.range(choice)}`;
      case 'msync':
        return `msync ${this.range(choice)} flags=${pick(['sync', 'async', 'invalidate'], c)}`;
      case 'mmap_fixed':
        return this.mapFixed(choice);
      case 'mremap':
        return this.remap(choice);
      case 'move_pages':
        return `move_pages ${this.range(choice)}`;
      case 'mbind':
        return `mbind ${this.range(choice)} policy=${pick(['other', 'default'], c)}`;
      case 'clear_refs':
        return `clear_refs n=${String(pick([4, 1, 2, 3], a))}`;
      case 'fork':
        return this.fork();
      case 'exit_child':
        return this.exitChild(a);
      case 'folios':
        return `folios map=${this.area(a)}`;
      case 'uffd':
        return this.userfaultfd(choice);
      case 'ksm':
        return ksmLine(choice, this.range(choice), this.range({ ...choice, a: 0, b: 0 }));
      case 'mr':
        return this.addMr(choice);
      case 'second_map':
        return this.secondMap(choice);
      default:
        return DEVICE_OPS.has(op) ? this.deviceLine(choice) : this.fileLine(choice);
    }
  }

  private userfaultfd(choice: Choice): string {
    const { c } = choice;
    switch (c % 3) {
      case 0:
        return `uffd_register ${this.range(choice)} mode=${pick(['missing', 'wp', 'missing,wp'], c >> 2)}`;
      case 1:
        return `uffd_wp ${this.range(choice)} on=${String(pick([1, 1, 0], c >> 2))}`;
      default:
        return `uffd_unregister ${this.range(choice)}`;
    }
  }

  private deviceLine(choice: Choice): string | null {
    const { op, a, b, c } = choice;
    const mr = this.mrs.at(c % this.mrs.length);
    if (mr === undefined) return null;
    const page = mr.first + (a % mr.pages);
    switch (op) {
      case 'rdma_write':
        return `rdma_write mr=${mr.name} page=${String(page)} value=${this.nextValue()}`;
      case 'rdma_faa':
        return `rdma_faa mr=${mr.name} page=${String(page)} add=1`;
      case 'rdma_cas':
        return `rdma_cas mr=${mr.name} page=${String(page)} cmp=0 swap=${this.nextValue()}`;
      case 'recv':
        return `recv mr=${mr.name} page=${String(page)} value=${this.nextValue()}`;
      case 'advise_mr': {
        const pages = Math.min(1 + (b % 4), mr.first + mr.pages - page);
        const advice = pick(['prefetch', 'prefetch_write', 'prefetch_no_fault'], b >> 2);
        return `advise_mr mr=${mr.name} advice=${advice} first=${String(page)} pages=${String(pages)} flush=1`;
      }
      case 'dereg':
        if (this.mrs.length === 1) return null;
        this.mrs.splice(this.mrs.indexOf(mr), 1);
        return `dereg mr=${mr.name}`;
      default:
        return `${op} mr=${mr.name} page=${String(page)}`;
    }
  }

  private fileLine({ op, a, b, c }: Choice): string {
    const first = a % this.pages;
    const pages = 1 + (b % Math.min(8, this.pages - first));
    const range = `first=${String(first)} pages=${String(pages)}`;
    switch (op) {
      case 'pwrite':
        if (c % 4 === 0)
          return `pwrite map=m off=${String(a * 16)} len=${String(1 + (b % 9000))} value=${this.nextValue()}`;
        return `pwrite map=m ${range} value=${this.nextValue()}`;
      case 'pread':
        return `pread map=m page=${String(first)}`;
      case 'odirect_write':
        return `odirect_write map=m ${range} value=${this.nextValue()}`;
      case 'odirect_read':
      case 'odirect_read_into':
      case 'odirect_write_from':
        return `${op} map=m ${range}`;
      case 'ftruncate':
        return c % 3 === 0
          ? `ftruncate map=m bytes=${String(a * 8)}`
          : `ftruncate map=m pages=${String(a % (this.pages + 4))}`;
      case 'fallocate':
        return `fallocate map=m mode=${pick(['punch', 'punch', 'zero', 'alloc', 'zero_keep_size', 'collapse', 'insert'], c)} ${range}`;
      case 'sync_file_range':
        return `sync_file_range map=m ${range} flags=${pick(['write', 'before,write,after'], c)}`;
      case 'drop_caches':
        return `drop_caches n=${String(1 + (a % 3))}`;
      case 'sync':
        return 'sync';
      default:
        return `${op} map=m`;
    }
  }

  private addMr({ a, b, c }: Choice): string | null {
    const name = `r${String(this.mrs.length)}`;
    if (this.mrs.some((mr) => mr.name === name) || this.mrs.length > 3) return null;
    const area = this.area(this.mrs.length === 0 ? 0 : c);
    const size = this.areas.get(area) ?? this.pages;
    const whole = this.mrs.length === 0 || a % 2 === 0;
    const first = whole ? 0 : a % size;
    const pages = whole ? size : 1 + (b % (size - first));
    const pinned = c % 6 === 5;
    if (pinned) this.lines.push('keeper');
    const access = c % 11 === 10 ? 'rr' : 'lw,rw,rr,ra';
    this.lines.push(
      `mr name=${name} map=${area} mode=${pinned ? 'pinned' : 'odp'} access=${access} first=${String(first)} pages=${String(pages)}`,
    );
    this.mrs.push({ name, area, first, pages });
    return null;
  }

  private childAccess({ a, b, c }: Choice): string | null {
    if (this.children.length === 0) return null;
    const proc = pick(this.children, b);
    const page = this.page(a);
    if (c % 3 === 0) return `madvise proc=${proc} map=m first=${page} pages=1 advice=dontneed`;
    return c % 3 === 1
      ? `cpu_write proc=${proc} map=m page=${page} value=${this.nextValue()}`
      : `cpu_read proc=${proc} map=m page=${page}`;
  }

  private mapFixed({ a, b, c }: Choice): string {
    const first = a % this.pages;
    const pages = String(1 + (b % Math.min(8, this.pages - first)));
    const place = `mmap_fixed map=m first=${String(first)} pages=${pages} prot=${c % 3 === 2 ? 'r' : 'rw'}`;
    return this.kind.contents.length > 0 && c % 2 === 0
      ? `${place} share=shared file=m offset=${String(b % this.pages)}`
      : `${place} share=private kind=anon`;
  }

  private remap(choice: Choice): string {
    const { a, b, c } = choice;
    const first = a % this.pages;
    const pages = 1 + (b % Math.min(16, this.pages - first));
    const range = `mremap map=m first=${String(first)} pages=${String(pages)}`;
    if (c % 3 === 0) return `${range} new_pages=${String(Math.max(1, pages - (c % 4)))}`;
    const to = `new_pages=${String(pages)} to=e to_first=${String(first)}`;
    if (!this.areas.has('e')) this.areas.set('e', this.pages);
    return c % 3 === 1 ? `${range} ${to}` : `${range} ${to} dontunmap=1`;
  }

  private secondMap({ a, c }: Choice): string | null {
    if (this.areas.has('d')) return null;
    if (this.kind.contents.length === 0) {
      this.areas.set('d', 8);
      return 'map name=d kind=anon share=private prot=rw pages=8 thp=never';
    }
    const pages = Math.max(1, Math.floor(this.pages / 2));
    this.areas.set('d', pages);
    const share = c % 3 === 2 ? 'private' : 'shared';
    return `map name=d file=m offset=${String(a % 5)} share=${share} prot=rw pages=${String(pages)} thp=never`;
  }

  private fork(): string | null {
    if (this.children.length >= 2) return null;
    const child = `c${String(++this.forks)}`;
    this.children.push(child);
    return `fork child=${child}`;
  }

  private exitChild(a: number): string | null {
    if (this.children.length === 0) return null;
    const child = pick(this.children, a);
    this.children = this.children.filter((other) => other !== child);
    return `exit proc=${child}`;
  }

  private range({ a, b }: Choice): string {
    const first = a % this.pages;
    const pages = b % 8 === 0 ? this.pages - first : 1 + ((b >> 3) % Math.min(8, this.pages - first));
    return `map=m first=${String(first)} pages=${String(pages)}`;
  }

  private area(c: number): string {
    return pick([...this.areas.keys()], c % 5 === 4 ? c : 0);
  }

  private page(a: number): string {
    return String(a % this.pages);
  }

  /** A byte that was not used yet. */
  private nextValue(): string {
    this.value = this.value === 0xff ? 0x30 : this.value + 1;
    return `0x${this.value.toString(16)}`;
  }
}

const DEVICE_OPS: ReadonlySet<string> = new Set([
  'rdma_write',
  'rdma_read',
  'rdma_faa',
  'rdma_cas',
  'recv',
  'send',
  'rdma_write_from',
  'advise_mr',
  'dereg',
]);
