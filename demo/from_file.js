// No module: the only kind of script that a browser runs for a page that is opened as a file.
if (location.protocol === 'file:') {
  const box = document.getElementById('problem');
  if (box) {
    box.hidden = false;
    box.textContent =
      'This page was opened as a file, and browsers load its scripts from a server alone. Serve this folder, for example by “python3 -m http.server”, and open the address that it says.';
  }
}
