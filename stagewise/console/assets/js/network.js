// Says when the network is away, and when it is back.

const notice = document.getElementById("away");

function show() {
  if (notice) {
    notice.hidden = navigator.onLine;
  }
}

addEventListener("online", show);
addEventListener("offline", show);
show();
