/**
 * How a file is described before there is a connection: a session description without media that carries the file's
 * selector (RFC 5547 §6). So nobody's address is sent before the file is wanted.
 *
 * @typedef {{name: string, size: number, type: string, everyone: boolean}} FileOffer  size in bytes; type is a media type
 *   or empty; everyone: it is offered to all who are here
 */

/** Names longer than this are cut; no file system takes more. */
const LONGEST_NAME = 200;
/** An attribute of our own. */
const EVERYONE = 'a=x-everyone';

/** @param {'sendonly'|'recvonly'|'inactive'} direction @param {string[]} [lines] */
function describe(direction, lines = []) {
  return ['v=0', 'o=- 0 0 IN IP4 0.0.0.0', 's=-', 't=0 0', ...lines, `a=${direction}`, ''].join('\r\n');
}

/** @param {FileOffer} offer */
export function writeOffer({ name, size, type, everyone }) {
  // The selector's words are divided by spaces and quotes; RFC 5547 §6 escapes them by percent signs.
  const selector = [`name:"${encodeURIComponent(name)}"`, ...(type ? [`type:${type}`] : []), `size:${size}`].join(' ');
  return describe('sendonly', [`a=file-selector:${selector}`, ...(everyone ? [EVERYONE] : [])]);
}

/** The file is wanted: the sender connects now. */
export const wanted = () => describe('recvonly');

/** The file is not wanted, or no longer offered. */
export const unwanted = () => describe('inactive');

/** @param {string} sdp */
export const isUnwanted = (sdp) => !/^m=/m.test(sdp) && /^a=inactive\r?$/m.test(sdp);

/** @param {string} sdp @returns {boolean} whether it describes a connection, not only a file */
export const isConnection = (sdp) => /^m=/m.test(sdp);

/**
 * @param {string} sdp from somebody else: every word of it may be wrong
 * @returns {FileOffer|null} null when it offers no file
 */
export function readOffer(sdp) {
  const selector = /^a=file-selector:(.*?)\r?$/m.exec(sdp)?.[1];
  if (selector === undefined) return null;
  const size = Number(/(?:^| )size:(\d{1,15})(?: |$)/.exec(selector)?.[1] ?? NaN);
  const type = /(?:^| )type:([\w.+-]{1,60}\/[\w.+-]{1,60})(?: |$)/.exec(selector)?.[1] ?? '';
  const name = plainName(/(?:^| )name:"([^"]*)"/.exec(selector)?.[1] ?? '');
  const everyone = sdp.split(/\r?\n/).includes(EVERYONE);
  return Number.isSafeInteger(size) && name !== '' ? { name, size, type, everyone } : null;
}

/**
 * A name without folders, control and direction characters: the file must be saved under the name that is shown.
 * @param {string} escaped
 */
function plainName(escaped) {
  let name = '';
  try {
    name = decodeURIComponent(escaped);
  } catch {
    return '';
  }
  const base = name.split(/[/\\]/).pop() ?? '';
  const clean = base.normalize('NFC').replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '').trim();
  // A leading dot would hide the file from the person who saved it.
  const shown = clean.replace(/^\.+/, '');
  return shown.length <= LONGEST_NAME ? shown : shown.slice(-LONGEST_NAME);
}
