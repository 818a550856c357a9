import type { Section } from '../operation.js';
import { ADVICE } from './advice.js';
import { END } from './end.js';
import { FAULTS } from './faults.js';
import { FILE_IO } from './file-io.js';
import { FORK_AND_COPY } from './fork.js';
import { HUGE_FILES } from './huge-files.js';
import { HUGE_PAGES } from './huge-pages.js';
import { HUGETLB } from './hugetlb.js';
import { LARGE_FOLIOS } from './large-folios.js';
import { MIGRATE } from './migrate.js';
import { MOVE } from './move.js';
import { PINS } from './pins.js';
import { SPARSE } from './sparse.js';
import { TRACKING } from './tracking.js';
import { TRUNCATE } from './truncate.js';
import { UNMAP } from './unmap.js';
import { WRITEBACK } from './writeback.js';

/** All that is explained, in the order of the page. */
export const SECTIONS: readonly Section[] = [
  FAULTS,
  UNMAP,
  SPARSE,
  MOVE,
  FORK_AND_COPY,
  ADVICE,
  WRITEBACK,
  LARGE_FOLIOS,
  TRUNCATE,
  FILE_IO,
  MIGRATE,
  HUGE_PAGES,
  HUGE_FILES,
  HUGETLB,
  TRACKING,
  PINS,
  END,
];
