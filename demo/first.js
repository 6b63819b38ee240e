// Runs before the page's other scripts are here.

// The first sound of a page starts a part of the browser, which takes it half a second within the press. Eight samples of silence, which are
// read and not played, start the same part now, aside.
new Audio('data:audio/wav;base64,UklGRjQAAABXQVZFZm10IBAAAAABAAEAgLsAAAB3AQACABAAZGF0YRAAAAAAAAAAAAAAAAAAAAAAAAAA').preload = 'auto';

// No module: the only kind of script that a browser runs for a page that is opened as a file.
if (location.protocol === 'file:')
  addEventListener('DOMContentLoaded', () => {
    const box = document.getElementById('problem');
    if (!box) return;
    box.hidden = false;
    box.textContent =
      'This page was opened as a file, and browsers load its scripts from a server alone. Serve this folder, for example by “python3 -m http.server”, and open the address that it says.';
  });
