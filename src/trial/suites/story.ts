import type { Task } from '../../engine/index.js';
import { tell, type Stage, type StoryOptions } from '../stage.js';
import type { Needs, Test } from '../suite.js';

/** A test that tells one story; with seeds, each is another schedule of it. */
export function story(
  name: string,
  needs: Needs,
  whole: (stage: Stage) => Task,
  { seeds, ...options }: { readonly seeds?: number } & Pick<StoryOptions, 'profile'> = {},
): Test {
  return {
    name,
    needs,
    ...(seeds === undefined ? {} : { seeds }),
    run: (subject, seed) => tell(subject, whole, seeds === undefined ? options : { ...options, seed }),
  };
}
