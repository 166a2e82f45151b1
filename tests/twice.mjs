/**
 * Usage: node twice.mjs FILE…   Runs test files, one at a time; a file that fails is run once more.
 *
 * These tests watch browsers and networks in real time, on machines that others use as well: now and then one waits in
 * vain for something that came a moment later. A fault of ours fails twice. Where more than a few files fail it is no
 * accident, and nothing is repeated. What failed once is named at the end, so that it is looked at.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** More failing files than this are no accident. */
const MOST_AGAIN = 3;

const here = path.dirname(fileURLToPath(import.meta.url));

/**
 * @param {string[]} files
 * @returns {{code: number, failed: string[]}}
 */
function run(files) {
  const directory = mkdtempSync(path.join(tmpdir(), 'meeting-tests-'));
  const list = path.join(directory, 'failed');
  try {
    const reporters = [
      '--test-reporter=spec',
      '--test-reporter-destination=stdout',
      `--test-reporter=${path.join(here, 'failed-files.mjs')}`,
      `--test-reporter-destination=${list}`,
    ];
    const { status } = spawnSync(process.execPath, ['--test', ...reporters, '--test-concurrency=1', ...files], {
      stdio: 'inherit',
    });
    const failed = new Set(readFileSync(list, 'utf8').split('\n').filter(Boolean));
    return { code: status ?? 1, failed: [...failed] };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const files = process.argv.slice(2);
const first = run(files);
if (first.code === 0) process.exit(0);
const names = first.failed.map((file) => path.relative(process.cwd(), file)).join(', ');
if (first.failed.length === 0 || first.failed.length > MOST_AGAIN) {
  console.log(`Failed: ${names || 'without a failing test'}.`);
  process.exit(first.code);
}
console.log(`\nFailed, and run once more: ${names}.\n`);
const second = run(first.failed);
console.log(second.code === 0 ? `\nFailed once, passed when run again: ${names}.` : `\nFailed twice: see above.`);
process.exit(second.code);
