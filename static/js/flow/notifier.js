/**
 * Tones and notifications of the system, for people who look elsewhere, present, or are in another tab. A person gets none
 * about their own actions, and none of the kinds that they switched off.
 *
 * @typedef {import('../state/meeting.js').Meeting} Meeting
 * @typedef {import('./tones.js').Tune} Tune
 * @typedef {'knock' | 'admitted' | 'join' | 'hand' | 'message'} Subject
 */

import { t } from '../i18n/index.js';
import { firstLine } from '../state/heed.js';

/** In larger meetings coming and going makes no tone, because it happens all the time. */
const FEW = 8;
/** Several events of one subject within this time make only one tone. */
const SAME_MS = 1_500;

export class Notifier {
  #io;
  /** When each subject was last sounded. @type {Map<Subject, number>} */
  #sounded = new Map();

  /**
   * @param {{
   *   play: (tune: Tune) => unknown,
   *   wants: (subject: Subject | 'system') => boolean,
   *   attended: () => boolean,
   *   show: (title: string, body: string, subject: Subject) => void,
   *   now: () => number,
   * }} io  attended: whether somebody looks at the page and nowhere else
   */
  constructor(io) {
    this.#io = io;
  }

  /** Somebody waits to come in. @param {string} name @param {string} room */
  knock(name, room) {
    this.#sound('knock');
    this.#show('knock', t('toast.waiting', { name }), room);
  }

  /** This person was let in. @param {string} room */
  admitted(room) {
    this.#sound('admitted');
    this.#show('admitted', t('notify.admitted'), room);
  }

  /** @param {number} people in the meeting, oneself included */
  joined(people) {
    if (people <= FEW) this.#sound('join');
  }

  /** @param {number} people in the meeting, oneself included */
  left(people) {
    if (people < FEW) this.#sound('join', 'leave');
  }

  /** @param {string} name @param {string} room */
  hand(name, room) {
    this.#sound('hand');
    this.#show('hand', t('live.hand', { name }), room);
  }

  /** @param {{name: string, text: string, isPrivate: boolean, seen: boolean}} message  seen: the chat is open */
  message({ name, text, isPrivate, seen }) {
    if (seen && this.#io.attended()) return;
    this.#sound('message');
    this.#show('message', isPrivate ? t('notify.private', { name }) : name, firstLine(text));
  }

  /** @param {Subject} subject @param {Tune} [tune] */
  #sound(subject, tune = subject) {
    const { wants, now, play } = this.#io;
    if (!wants(subject) || now() - (this.#sounded.get(subject) ?? -Infinity) < SAME_MS) return;
    this.#sounded.set(subject, now());
    play(tune);
  }

  /** @param {Subject} subject @param {string} title @param {string} body */
  #show(subject, title, body) {
    const { wants, attended, show } = this.#io;
    if (wants(subject) && wants('system') && !attended()) show(title, body, subject);
  }
}

/** Whether somebody looks at the page: it is visible, and no other window has the keyboard focus. */
export const isAttended = () => !document.hidden && document.hasFocus();
