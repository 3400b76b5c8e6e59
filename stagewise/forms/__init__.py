"""The form for visitors: a page that we serve for each endpoint, plain form posts, and the script for websites.

Plain ASGI in the lane's process, like ``stagewise.intake``, whose readers it uses. The script and the style sheet are
written beside this file and built into the public files by ``stagewise.pages``. docs/form.md is the page for users.
"""
