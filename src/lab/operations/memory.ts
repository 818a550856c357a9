/** Memory of 16 pages, as a program maps it. */
const SMALL = {
  anon: 'map name=m kind=anon share=private prot=rw pages=16',
  shmem: 'map name=m kind=shmem share=shared prot=rw pages=16',
  tmpfs: 'map name=m kind=tmpfs share=shared prot=rw pages=16',
  ext4: 'map name=m kind=ext4 share=shared prot=rw pages=16',
  xfs: 'map name=m kind=xfs share=shared prot=rw pages=16',
  btrfs: 'map name=m kind=btrfs share=shared prot=rw pages=16',
  dax: 'map name=m kind=dax share=shared prot=rw pages=16',
  'private ext4': 'map name=m kind=ext4 share=private prot=rw pages=16',
} as const;

/** The lines that map some of these. */
export function memory(...names: readonly (keyof typeof SMALL)[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, SMALL[name]]));
}

export const REGION = 'mr name=r map=m first=0 pages=16';

/** All pages are written by the CPU, and mapped by the device when its region is registered. */
export const POPULATED: readonly string[] = ['cpu_write map=m first=0 pages=16 value=0x22', REGION];
