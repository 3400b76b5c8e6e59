// Passkeys (Web Authentication, level 3): <form data-passkey="create"> makes one, <form data-passkey="get"> asks for one.
//
// What the server wants to know stands in data-options as JSON, or comes from data-options-url when the button is
// pressed. The answer goes into the form's field "credential". Without script, and where the browser has no passkeys for
// this address, the form stays hidden, and what has data-no-passkey says why.
import { each } from "./each.js";
import { say } from "./toasts.js";
import { t } from "./words.js";

// Passkeys belong to a name: there are none for an IP address.
const ADDRESS = /^(\d+\.){3}\d+$|^\[/;
const usable = Boolean(window.PublicKeyCredential) && window.isSecureContext && !ADDRESS.test(location.hostname);

function bytes(text) {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (sign) => sign.charCodeAt(0));
}

function text(buffer) {
  const base64 = btoa(String.fromCharCode(...new Uint8Array(buffer)));
  return base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function ids(credentials = []) {
  return credentials.map((each) => ({ ...each, id: bytes(each.id) }));
}

/** A passkey that lives on the device and asks for fingerprint, face or PIN: it is both factors in one. */
function create({ publicKey }) {
  return navigator.credentials.create({
    publicKey: {
      ...publicKey,
      challenge: bytes(publicKey.challenge),
      user: { ...publicKey.user, id: bytes(publicKey.user.id) },
      excludeCredentials: ids(publicKey.excludeCredentials),
      authenticatorSelection: { residentKey: "required", requireResidentKey: true, userVerification: "required" },
    },
  });
}

function get({ publicKey }) {
  return navigator.credentials.get({
    publicKey: {
      ...publicKey,
      challenge: bytes(publicKey.challenge),
      allowCredentials: ids(publicKey.allowCredentials),
    },
  });
}

function asJson(credential) {
  const { response } = credential;
  const found = { clientDataJSON: text(response.clientDataJSON) };
  for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (response[name]) {
      found[name] = text(response[name]);
    }
  }
  return JSON.stringify({
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment,
    clientExtensionResults: credential.getClientExtensionResults(),
    response: found,
  });
}

async function options(form) {
  if (form.dataset.options) {
    return JSON.parse(form.dataset.options);
  }
  const answer = await fetch(form.dataset.optionsUrl, { headers: { Accept: "application/json" } });
  if (!answer.ok) {
    throw new Error(answer.statusText);
  }
  return answer.json();
}

async function ask(form) {
  try {
    const wanted = await options(form);
    const credential = await (form.dataset.passkey === "create"
      ? create(wanted.creation_options)
      : get(wanted.request_options));
    form.elements.credential.value = asJson(credential);
    form.submit();
  } catch (error) {
    const known = { NotAllowedError: "passkey_cancelled", InvalidStateError: "passkey_there" };
    say(t(known[error.name] ?? "passkey_failed"), { bad: true });
  }
}

each("[data-passkey]", (form) => {
  form.hidden = !usable;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask(form);
  });
});

each("[data-no-passkey]", (said) => {
  said.hidden = usable;
});
