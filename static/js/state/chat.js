/**
 * The chat log: messages, files and the quiet lines about who came and went.
 *
 * @typedef {import('../client/protocol.d.ts').ChatMessage} ChatMessage
 * @typedef {{kind: 'message', message: ChatMessage}
 *   | {kind: 'file', id: string, at: string}
 *   | {kind: 'joined' | 'left', id: string, name: string, at: string}} Entry
 * @typedef {{kind: 'group', key: string, from: ChatMessage, messages: ChatMessage[]}
 *   | {kind: 'file', key: string, id: string, at: string}
 *   | {kind: 'line', key: string, what: 'joined' | 'left', name: string}} Block
 */

/** Older entries fall off the top; the server keeps the history. */
const KEPT = 500;
/** Messages of one person closer than this stand under one name. */
const GROUP_MS = 3 * 60 * 1000;

/**
 * @param {Entry[]} log
 * @param {Entry} entry
 * @returns {Entry[]}
 */
export function append(log, entry) {
  if (entry.kind === 'message' && log.some((old) => old.kind === 'message' && old.message.id === entry.message.id)) {
    return log;
  }
  return log.length < KEPT ? [...log, entry] : [...log.slice(1), entry];
}

/**
 * Older messages go in front; the log may grow past what falls off by itself, because somebody asked for them.
 * @param {Entry[]} log
 * @param {ChatMessage[]} messages oldest first
 * @returns {Entry[]}
 */
export function prepend(log, messages) {
  const known = new Set(log.flatMap((entry) => (entry.kind === 'message' ? [entry.message.id] : [])));
  const fresh = messages.filter((message) => !known.has(message.id));
  return [...fresh.map((message) => /** @type {Entry} */ ({ kind: 'message', message })), ...log];
}

/** @param {Entry[]} log @param {string} id of the message that was taken back @returns {Entry[]} */
export function forget(log, id) {
  return log.filter((entry) => entry.kind !== 'message' || entry.message.id !== id);
}

/** The oldest message that is here, if any. @param {Entry[]} log @returns {string | null} */
export function oldest(log) {
  for (const entry of log) if (entry.kind === 'message') return entry.message.id;
  return null;
}

/**
 * @param {Entry[]} log
 * @returns {Block[]}
 */
export function blocks(log) {
  /** @type {Block[]} */
  const out = [];
  for (const entry of log) {
    if (entry.kind === 'file') {
      out.push({ kind: 'file', key: `file-${entry.id}`, id: entry.id, at: entry.at });
      continue;
    }
    if (entry.kind !== 'message') {
      out.push({ kind: 'line', key: `line-${entry.kind}-${entry.id}-${entry.at}`, what: entry.kind, name: entry.name });
      continue;
    }
    const last = out[out.length - 1];
    if (last?.kind === 'group' && belongs(last.messages[last.messages.length - 1], entry.message)) {
      last.messages.push(entry.message);
    } else {
      out.push({ kind: 'group', key: entry.message.id, from: entry.message, messages: [entry.message] });
    }
  }
  return out;
}

/** @param {ChatMessage} before @param {ChatMessage} next */
function belongs(before, next) {
  return (
    before.user.id === next.user.id &&
    before.display_name === next.display_name &&
    before.to === next.to &&
    Date.parse(next.sent_at) - Date.parse(before.sent_at) < GROUP_MS
  );
}
