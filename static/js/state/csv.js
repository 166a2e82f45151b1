/**
 * Comma-separated values (RFC 4180) that a spreadsheet opens without obeying them.
 */

/** A cell that begins like this is a formula to a spreadsheet. A person's name may begin so. */
const FORMULA = /^[=+\-@\t\r]/;

/**
 * @param {Array<Array<string | number>>} rows
 * @returns {string} with a byte order mark, without which Excel reads UTF-8 as something else
 */
export function csv(rows) {
  return `\uFEFF${rows.map((row) => `${row.map(cell).join(',')}\r\n`).join('')}`;
}

/** @param {string | number} value */
function cell(value) {
  if (typeof value === 'number') return String(value);
  const text = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
