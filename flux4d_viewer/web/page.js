// Runs before viser's page does. viser connects to the address without its query, and then writes where it connected
// into the address bar. Here a deep link is set aside for the viewer to follow once, and the address is kept short.
// The link and the view are kept for this tab alone, all else for the browser. What the viewer stores under "copy" goes
// to the clipboard as a link to this page.
(() => {
  const PREFIX = "viser-user:";
  const OF_THE_TAB = [PREFIX + "link", PREFIX + "view"];
  const [, home, link] = location.pathname.match(/^(\/[^/]+)\/?(?:at\/(.*))?$/) ?? [];
  if (link) {
    try {
      sessionStorage.setItem(PREFIX + "link", link);
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

  const copy = (text) => {
    if (navigator.clipboard) {
      navigator.clipboard.writeText(text).catch(() => window.prompt("Copy this link:", text));
    } else {
      window.prompt("Copy this link:", text); // without https, browsers hide the clipboard from other machines' pages
    }
  };
  for (const name of ["getItem", "setItem", "removeItem"]) {
    const own = Storage.prototype[name];
    Storage.prototype[name] = function (key, value) {
      if (name === "setItem" && key === PREFIX + "copy") return copy(location.origin + home + "/at/" + value);
      return own.call(OF_THE_TAB.includes(key) ? sessionStorage : this, key, value);
    };
  }
})();
