// Runs before viser's page does. viser connects to the address without its query, and then writes where it connected
// into the address bar. Here a deep link is set aside for the viewer to follow once, and the address is kept short.
(() => {
  const [, home, link] = location.pathname.match(/^(\/[^/]+)\/?(?:at\/(.*))?$/) ?? [];
  if (link) {
    try {
      localStorage.setItem("viser-user:link", link);
    } catch {
      // A browser that stores nothing opens the page without following the link.
    }
    history.replaceState(null, "", home + "/" + location.search);
  }
  const replace = history.replaceState.bind(history);
  history.replaceState = (state, title, url) => {
    if (typeof url === "string" && url.startsWith("?")) {
      const kept = url.slice(1).split("&").filter((part) => !part.startsWith("websocket="));
      url = location.pathname + (kept.length ? "?" + kept.join("&") : "");
    }
    replace(state, title, url);
  };
})();
