  // ---- Waiting ----

  const frame = () =>
    new Promise(resolve => {
      nextFrame(resolve);
      // Where no frames are drawn there is time all the same.
      soon(resolve, 100);
    });

  const pause = time => new Promise(resolve => soon(resolve, time));

  /// Until the document changes, but not before `least` and not after `most` milliseconds.
  function change(least, most) {
    return new Promise(resolve => {
      const from = now();
      let timer = soon(done, most);
      const listener = () => {
        forget(timer);
        timer = soon(done, Math.max(0, Math.min(from + least, from + most) - now()));
      };
      listeners.add(listener);
      function done() {
        listeners.delete(listener);
        resolve();
      }
    });
  }

  /// Looks until something is done, or patience ends: then gives what was seen last. `at` is since when it was so: what was so at the first
  /// look has been since the document changed last, for all that is known.
  async function until(patience, check) {
    const first = now();
    for (let looks = 0; ; looks += 1) {
      const from = now();
      const seen = await check();
      if (seen.done) {
        const at = looks === 0 ? Math.min(clock.changed, from) : from;
        return { ...seen, at: seen.since ?? at };
      }
      const [left, cost] = [first + patience - now(), now() - from];
      if (left <= 0) return seen;
      if (seen.again) await frame();
      else await change(3 * cost, Math.min(left, Math.max(50, 3 * cost)));
    }
  }
