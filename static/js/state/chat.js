/**
 * The chat log: messages and the quiet lines about who came and went.
 *
 * @typedef {import('../client/protocol.d.ts').ChatMessage} ChatMessage
 * @typedef {{kind: 'message', message: ChatMessage}
 *   | {kind: 'joined' | 'left', id: string, name: string, at: string}} Entry
 * @typedef {{kind: 'group', key: string, from: ChatMessage, messages: ChatMessage[]}
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
  return [...log, entry].slice(-KEPT);
}

/**
 * @param {Entry[]} log
 * @returns {Block[]}
 */
export function blocks(log) {
  /** @type {Block[]} */
  const out = [];
  for (const [index, entry] of log.entries()) {
    if (entry.kind !== 'message') {
      out.push({ kind: 'line', key: `line-${index}-${entry.id}-${entry.at}`, what: entry.kind, name: entry.name });
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
