/** A reporter of `node --test` that writes the file of each failing test, one in a line. */

/** @param {AsyncIterable<{type: string, data: {file?: string, name: string}}>} events */
export default async function* failedFiles(events) {
  for await (const { type, data } of events) {
    // A file that cannot be run at all is told of as a test of that name.
    if (type === 'test:fail') yield `${data.file ?? data.name}\n`;
  }
}
