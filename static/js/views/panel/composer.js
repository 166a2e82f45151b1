/**
 * Where one writes: to everyone or to one person, text or a file.
 * @typedef {import('../../state/app.js').AppState} AppState
 * @typedef {import('../../state/meeting.js').Meeting} Meeting
 */

import { MOST_FILE_BYTES } from '../../client/file-transfer.js';
import { errorText, locale, t } from '../../i18n/index.js';
import { may, roster } from '../../state/people.js';
import { fileSize } from '../../state/text.js';
import { attribute, el, iconButton, newId, say, show, text } from '../kit/dom.js';
import { icon } from '../kit/icons.js';
import { openMenu } from '../kit/menu.js';

const LONGEST = 4000;
const TALLEST = 132;

/**
 * @param {import('../../flow/actions.js').Actions} actions
 * @param {() => Meeting | null} read
 * @param {() => void} sent
 */
export function composer(actions, read, sent) {
  const error = el('p', { class: 'ferr', id: newId(), role: 'alert', hidden: true, 'data-testid': 'chat-error' });
  const whom = el('b', { dir: 'auto' });
  const to = el(
    'button',
    { type: 'button', class: 'to', 'aria-haspopup': 'menu', 'data-testid': 'chat-to', on: { click: chooseTo } },
    el('span', { t: 'chat.to' }),
    whom,
    icon('chev-down', 'xs'),
  );
  const input = el('textarea', {
    rows: 1,
    tPlaceholder: 'chat.write',
    tLabel: 'chat.write',
    'aria-describedby': error.id,
    'data-testid': 'chat-input',
    dir: 'auto',
    on: { input: typed, keydown: key },
  });
  const picker = el('input', {
    type: 'file',
    multiple: true,
    hidden: true,
    'data-testid': 'file-input',
    on: { change: () => offer(picker.files) },
  });
  const attach = iconButton('attach', 'file.choose', {
    class: 'btn ghost icon',
    'data-testid': 'attach',
    on: { click: () => picker.click() },
  });
  const send = iconButton('send', 'chat.send', {
    class: 'btn ghost icon send',
    'data-testid': 'chat-send',
    on: { click: () => void submit() },
  });
  const node = el('div', { class: 'compose' }, error, to, el('div', {}, attach, picker, input, send));
  let sending = false;
  let isFresh = true;
  /** What is complained about is that there is no connection. */
  let cutOff = false;
  /** @type {AppState['link']} */
  let linked = 'online';

  function typed() {
    show(error, false);
    actions.keepDraft(input.value);
    fit();
  }

  function fit() {
    input.style.height = 'auto';
    input.style.height = `${Math.min(TALLEST, input.scrollHeight)}px`;
  }

  /** @param {KeyboardEvent} event */
  function key(event) {
    // While an input method composes, Enter chooses a word.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    void submit();
  }

  async function submit() {
    const typedWords = input.value;
    const words = typedWords.trim();
    if (words === '' || sending) return;
    if ([...words].length > LONGEST) return complain(t('chat.tooLong', { n: LONGEST }));
    sending = true;
    const refused = await actions.sendChat(words);
    sending = false;
    // What was typed stays until it has arrived.
    if (refused) {
      complain(refused === 'protocol.bad_field' ? t('chat.refused') : errorText(refused));
      cutOff = refused.startsWith('client.');
      return;
    }
    // Over a lost socket that may take a while: what was written behind it stays.
    input.value = input.value.startsWith(typedWords) ? input.value.slice(typedWords.length).trimStart() : input.value;
    typed();
    sent();
  }

  /** @param {FileList | null | undefined} files */
  function offer(files) {
    for (const file of files ?? []) actions.offerFile(file, read()?.chatTo ?? null);
    picker.value = '';
    sent();
  }

  function chooseTo() {
    const meeting = read();
    if (!meeting) return;
    const others = roster(meeting).filter((one) => one.id !== meeting.self);
    openMenu(
      to,
      [
        ...(may(meeting, 'chat') ? [choice(meeting, null, t('chat.everyone'))] : []),
        ...(may(meeting, 'private_chat') ? others.map((one) => choice(meeting, one.id, one.display_name)) : []),
      ],
      { above: true, label: t('chat.to') },
    );
  }

  /** @param {Meeting} meeting @param {string | null} id @param {string} label */
  function choice(meeting, id, label) {
    return {
      label,
      checked: meeting.chatTo === id,
      testid: id === null ? 'to-everyone' : 'to-person',
      run: () => {
        actions.writeTo(id);
        input.focus();
      },
    };
  }

  /** What was written before the page was loaded anew. */
  function restore() {
    isFresh = false;
    const draft = actions.takeDraft();
    if (draft === '' || input.value !== '') return;
    input.value = draft;
    requestAnimationFrame(fit);
  }

  /** @param {string} words */
  function complain(words) {
    cutOff = false;
    text(error, words);
    show(error, true);
  }

  /** Also told while the chat is closed. @param {AppState['link']} link */
  function connect(link) {
    if (link === 'online' && linked !== 'online' && cutOff) show(error, false);
    linked = link;
  }

  /** @param {Meeting} meeting */
  function update(meeting) {
    if (isFresh) restore();
    const { chatTo } = meeting;
    const name = chatTo === null ? null : (meeting.names[chatTo] ?? '');
    text(whom, name ?? t('chat.everyone'));
    node.classList.toggle('private', name !== null);
    show(to, may(meeting, 'private_chat') && meeting.seats.length > 0);
    const allowed = may(meeting, chatTo === null ? 'chat' : 'private_chat');
    input.disabled = !allowed;
    send.disabled = !allowed;
    const hint = !allowed ? 'chat.off' : chatTo === null ? 'chat.write' : 'chat.write.private';
    say(input, hint, 'tPlaceholder');
    say(input, hint, 'tLabel');
    show(attach, may(meeting, 'files') && meeting.seats.length > 0);
    const limit = t('file.choose.limit', { size: fileSize(MOST_FILE_BYTES, locale()) });
    attribute(attach, 'title', limit);
    attribute(attach, 'aria-label', limit);
  }
  return { node, connect, update, offer, focus: () => input.focus() };
}
