#!/bin/sh
# Makes one lead. Run it with the endpoint's URL in the environment:
#   LEADS_ENDPOINT_URL='https://leads.example.com/public/v1/leads/YOUR_KEY' sh send_lead.sh
set -eu
: "${LEADS_ENDPOINT_URL:?Please set it to the URL of your endpoint.}"

# All tries share one key, so that they make one lead. curl itself tries again where nobody answers, and at 408, 429
# and 503, after the time that Retry-After says; it gives up after 30 seconds.
# The URL goes in by standard input, because everybody on the machine can read command lines.
curl --config - <<END
url = "$LEADS_ENDPOINT_URL"
header = "Content-Type: application/json"
header = "Idempotency-Key: lead-$(date +%s)-$$"
data = "{\"name\": \"Ada Lovelace\", \"phone\": \"+44 20 7946 0018\", \"email\": \"ada@example.com\", \"message\": \"Hello\"}"
retry = 3
retry-connrefused
retry-max-time = 30
max-time = 20
silent
show-error
fail-with-body
END
