/** What is the same for all files of a file system model. */
export interface FileSystemTraits {
  /** The model's name: ext4, btrfs, xfs. */
  readonly kind: string;
  /** Pages must not change while they are written (AS_STABLE_WRITES). */
  readonly stableWrites: boolean;
  /** ns from a change of metadata to the commit that nobody asked for. */
  readonly commitInterval: number;
  /** fsync and msync of a range write the whole file. */
  readonly syncsWholeFile: boolean;
  /** Files can share blocks (reflink). */
  readonly sharesBlocks: boolean;
  /** The largest folio of the page cache (mapping_max_folio_order). */
  readonly maxOrder: number;
}
