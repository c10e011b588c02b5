"""How the shop is served: `gunicorn` reads this file where it is started."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
wsgi_app = "django.core.wsgi:get_wsgi_application()"
bind = "127.0.0.1:8000"
workers = 2
threads = 8
