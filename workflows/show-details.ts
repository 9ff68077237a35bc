/** The current details of a run in the Temporal UI. */
import { setCurrentDetails } from '@temporalio/workflow';

/** Worked out when somebody looks: the SDK hands the details on as JSON. @param describe Markdown */
export function showDetails(describe: () => string): void {
  setCurrentDetails({ toJSON: describe } as unknown as string);
}
