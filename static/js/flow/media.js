/** What only a meeting needs, in one piece, so that the page's first screen does not wait for it. */

export { createCall } from '../client/create_call.js';
export { Files } from './files.js';
export { listenToRoom, tellWaiting } from './room-events.js';
export { slotsFor } from './slots.js';
