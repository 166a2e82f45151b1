/**
 * Holds the state and tells the views when it changed. Nothing else may change it.
 *
 * @template S, A
 * @param {(state: S, action: A) => S} reduce
 * @param {S} initial
 * @param {(announce: () => void) => void} [soon] when the views are told, once for all that changed until then
 */
export function createStore(reduce, initial, soon = queueMicrotask) {
  let state = initial;
  let announced = false;
  /** @type {Set<(state: S) => void>} */
  const listeners = new Set();

  function announce() {
    announced = false;
    for (const listener of [...listeners]) {
      // One view that fails must not keep the others from drawing.
      try {
        listener(state);
      } catch (error) {
        console.error('a view failed to draw', error);
      }
    }
  }

  return {
    get: () => state,

    /** @param {A} action */
    dispatch(action) {
      const next = reduce(state, action);
      if (next === state) return;
      state = next;
      if (announced) return;
      announced = true;
      soon(announce);
    },

    /**
     * @param {(state: S) => void} listener
     * @returns {() => void} ends the subscription
     */
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
