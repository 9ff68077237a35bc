/** The command `sojourn`. Nothing imports this file: it runs. */
import { runCommandLine } from './command-line.ts';

process.exitCode = await runCommandLine(process.argv.slice(2));
// Every command closes what it opens; a connection that lingers all the same must not keep us.
setTimeout(() => {
  process.exit();
}, 1_000).unref();
