/** What the page does: it asks for the key when somebody wants it, and takes the token out of the address before that. */
export const revealScript = `
const token = location.hash.slice(1);
history.replaceState(null, "", location.pathname);
const [button, text, key] = ["show", "text", "key"].map((id) => document.getElementById(id));
if (token === "") { text.textContent = "This link is not whole: it ends with # and 43 characters."; button.hidden = true; }
button.addEventListener("click", async () => {
  button.disabled = true;
  try {
    const response = await fetch(location.pathname, {
      method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ token }), credentials: "omit",
    });
    const answer = await response.json();
    if (response.ok) {
      key.textContent = answer.key;
      key.hidden = false;
      button.hidden = true;
      text.textContent = "Copy it now: nobody can show it again.";
      return;
    }
    text.textContent = answer.revealed_at
      ? "It was shown already, at " + answer.revealed_at + ". If that was not you, have the key revoked."
      : "This link is over. Ask for a new key.";
    button.hidden = response.status !== 503;
  } catch {
    text.textContent = "The server cannot be reached. Try again.";
  }
  button.disabled = false;
});
`;

export const revealStyle = `
body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem; }
button { font: inherit; padding: .5rem 1rem; }
#key { font: 15px/1.4 ui-monospace, monospace; padding: 1rem; border: 1px solid; overflow-wrap: anywhere; user-select: all; }
`;

export const revealPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex">
<title>API key</title>
<style>${revealStyle}</style>
<h1>API key</h1>
<p id="text">This link shows an API key once. Have a place ready to keep it in.</p>
<p><button id="show" type="button">Show the key</button></p>
<output id="key" hidden></output>
<noscript><p>Showing it needs JavaScript. Without: <code>curl -d '{"token":"…"}' -H 'content-type: application/json'</code> to this address.</p></noscript>
<script type="module">${revealScript}</script>
</html>
`;
