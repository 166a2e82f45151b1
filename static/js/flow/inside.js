/**
 * Puts together the parts that only a meeting needs: for what arrives, for what is sent, for the health of both, and for
 * the messages about them. It is loaded before a person joins a meeting, and then kept.
 *
 * @typedef {import('../state/meeting.js').Meeting} Meeting
 * @typedef {import('../state/meeting.js').MeetingAction} MeetingAction
 * @typedef {ReturnType<typeof furnish>} Inside
 */

import { systemTimers } from '../client/timers.js';
import { t } from '../i18n/index.js';
import { may } from '../state/people.js';
import { Files } from './files.js';
import { Fitting } from './fitting.js';
import { isOfTheWay, toldAnew, troubleWith } from '../state/trouble.js';
import { MediaHealth } from './media-health.js';
import { isAttended, Notifier } from './notifier.js';
import { OwnSending } from './own-sending.js';
import { Pictures } from './pictures.js';
import { cameBack, listenToRoom } from './room-events.js';
import { ScreenShare } from './screen-share.js';
import { ServerClock } from './server-clock.js';
import { settings } from './settings.js';
import { showNotification } from './system-notes.js';
import { Tones } from './tones.js';

export { createCall } from '../client/create-call.js';
export { comeIn } from './arrival.js';
export { tellWaiting } from './room-events.js';
export { slotsFor } from './slots.js';

/** The panel that a notification of the system leads to. @type {Partial<Record<string, 'people' | 'chat'>>} */
const PANELS = { knock: 'people', hand: 'people', message: 'chat' };

/**
 * @param {{
 *   session: import('../client/session.js').Session,
 *   store: {get: () => import('../state/app.js').AppState, dispatch: (action: import('../state/app.js').AppAction) => void},
 *   devices: import('./devices.js').Devices,
 *   call: () => import('./meeting.js').Call | null,
 *   announce: (words: string, urgent?: boolean) => void,
 *   toast: import('./room-events.js').Toast,
 *   toastWhenFree: import('./room-events.js').ToastWhenFree,
 *   open: (panel: 'people' | 'chat') => void,
 * }} io
 */
export function furnish({ session, store, devices, call, announce, toast, toastWhenFree, open }) {
  const meeting = () => store.get().meeting;
  const dispatch = (/** @type {MeetingAction} */ action) => store.dispatch({ type: 'meeting', action });

  const tones = new Tones(() => store.get().devices.speaker);
  const notifier = new Notifier({
    play: (tune) => tones.play(tune),
    wants: (subject) => settings.notifies(subject),
    attended: isAttended,
    show: (title, body, subject) =>
      showNotification(title, body, subject, () => {
        const panel = PANELS[subject];
        if (panel && meeting()) open(panel);
      }),
    now: () => performance.now(),
  });

  const pictures = new Pictures();
  pictures.onblocked = (deaf) => dispatch({ type: 'deaf', deaf });
  pictures.onturn = (mid, track) => dispatch({ type: 'slot', mid, track });
  pictures.onspeaking = (speaking) => {
    const before = meeting()?.speakers ?? [];
    if (speaking.join() !== before.join()) dispatch({ type: 'speaker.active', participants: speaking, at: Date.now() });
  };
  devices.onspeaker = (id) => pictures.setSpeaker(id);

  const screen = new ScreenShare({
    call,
    maySound: () => may(/** @type {Meeting} */ (meeting()), 'unmute'),
    mayLeave: () => meeting()?.health.up === null,
    tell: (sharing) => dispatch({ type: 'sharing', sharing }),
    toast: (key, icon) => toast(key, {}, icon),
  });
  const own = new OwnSending({
    call,
    meeting,
    devices,
    screen,
    listenTo: (participant, track) => pictures.listenTo(participant, track),
    dispatch: (action) => store.dispatch(action),
    announce,
  });
  /** Both directions mostly fail for the same reason, so one report is enough. @type {Promise<string | null> | null} */
  let reported = null;
  const health = new MediaHealth((connection, trouble) => {
    const before = troubleIn(connection);
    dispatch({ type: 'health', connection, trouble: toldAnew(before, trouble) });
    if (!troubles().length) reported = null;
    if (!trouble) return;
    if (!before) announce(saidOf(connection), true);
    if (isOfTheWay(trouble) && !(before && isOfTheWay(before))) void tellWays(connection);
  }, systemTimers);

  const troubleIn = (/** @type {string} */ connection) => {
    const now = meeting();
    return now ? troubleWith(now.health, connection) : null;
  };
  const troubles = () => {
    const { up, down, peers } = meeting()?.health ?? { up: null, down: null, peers: {} };
    return [up, down, ...Object.values(peers)].filter((trouble) => trouble !== null);
  };
  const saidOf = (/** @type {string} */ connection) => {
    if (connection === 'up' || connection === 'down') return t(`trouble.${connection}`);
    return t('trouble.peer', { name: meeting()?.participants[connection]?.display_name ?? '' });
  };

  /** Tells the person, and the operator of the server, which ways were tried. @param {string} connection */
  async function tellWays(connection) {
    const ways = (await call()?.waysTried(connection)) ?? {};
    learn(connection, { ways });
    reported ??= report(ways);
    learn(connection, { report: await reported });
  }

  /** @param {string} connection @param {Partial<import('../state/trouble.js').Trouble>} more */
  function learn(connection, more) {
    const trouble = troubleIn(connection);
    if (trouble && isOfTheWay(trouble)) dispatch({ type: 'health', connection, trouble: { ...trouble, ...more } });
  }

  /** @param {NonNullable<import('../state/trouble.js').Trouble['ways']>} ways @returns {Promise<string | null>} its code */
  async function report(ways) {
    // The code of the check is large. Only a page that needs it loads it.
    const [{ meetingReport }, { leaveReport }] = await Promise.all([
      import('../state/check-report.js'),
      import('./check-ways.js'),
    ]);
    return leaveReport(meetingReport(troubles()[0]?.code ?? 'ice', ways));
  }
  const fitting = new Fitting({
    call,
    meeting,
    choice: () => store.get().picture,
    dispatch,
    toast: (key) => void toastWhenFree(key, {}, 'info'),
  });
  const clock = new ServerClock({
    ping: () => session.ping(),
    tell: (skew) => dispatch({ type: 'skew', skew }),
  });

  const io = { session, meeting, dispatch, announce, toast, toastWhenFree, notifier };
  const files = new Files(io);
  listenToRoom(io);

  return {
    pictures,
    screen,
    own,
    health,
    fitting,
    clock,
    files,
    notifier,
    /** @param {Meeting} before as it was known until now @param {boolean} same this person still is the same participant */
    cameBack: (before, same) => cameBack(io, before, same),
    /** The meeting is over. */
    clear() {
      health.clear();
      fitting.end();
      screen.stop();
      files.close();
      pictures.clear();
    },
  };
}
