/**
 * Holds the state and tells the views when it changed. Nothing else may change it.
 *
 * @template S, A
 * @param {(state: S, action: A) => S} reduce
 * @param {S} initial
 */
export function createStore(reduce, initial) {
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
      // Many frames may arrive in one turn (a join, a burst of chat): draw once for all of them.
      queueMicrotask(announce);
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
