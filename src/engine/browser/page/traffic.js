  // ---- Requests under way ----

  const traffic = { open: 0, last: now() };

  function began() {
    traffic.open += 1;
    traffic.last = now();
  }

  function ended() {
    traffic.open -= 1;
    traffic.last = now();
  }

  function countFetch() {
    const ask = window.fetch;
    if (!ask) return;
    window.fetch = function fetch(...request) {
      began();
      const answer = ask.apply(this, request);
      answer.then(ended, ended);
      return answer;
    };
  }

  function countXhr() {
    const send = XMLHttpRequest.prototype.send;
    XMLHttpRequest.prototype.send = function (...body) {
      began();
      this.addEventListener("loadend", ended, { once: true });
      try {
        return send.apply(this, body);
      } catch (error) {
        ended();
        throw error;
      }
    };
  }

  /// Whatever else is loaded (pictures, styles, scripts) shows when it is there.
  function noteResources() {
    try {
      const note = list => {
        for (const entry of list.getEntries()) {
          traffic.last = Math.max(traffic.last, performance.timeOrigin + entry.responseEnd);
        }
      };
      new PerformanceObserver(note).observe({ type: "resource", buffered: true });
    } catch {
      // A browser without it still counts what scripts ask for.
    }
  }

  function isLoading(image) {
    return !image.complete && image.currentSrc !== "" && image.loading !== "lazy";
  }

  /// Since when nothing was under way; none while something is.
  function quietSince() {
    if (document.readyState !== "complete" || traffic.open > 0) return null;
    return [...document.images].some(isLoading) ? null : traffic.last;
  }
