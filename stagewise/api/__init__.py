"""The read API, ``/api/v1``: programs of a workspace read its leads and work them, with a token (docs/read-api.md).

It runs in the console's process and shares its middleware, but no session, cookie or page: nobody imports this
package but the site's URLs, and it imports no page.
"""
