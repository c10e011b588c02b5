"""Arguments of its own, an argument that decides a wait, users by a base class, listeners of requests."""

from locust import HttpUser, between, constant_pacing, events, task

HEARD = []


@events.init_command_line_parser.add_listener
def _(parser):
    parser.add_argument("--channel", type=str, env_var="LOCUST_CHANNEL", default="web")
    parser.add_argument("--depth", type=int, default=2)


@events.request.add_listener
def heard(request_type, name, response_time, response_length, response, context, exception, start_time, url, **kwargs):
    HEARD.append((request_type, name, exception is None))


class Base(HttpUser):
    abstract = True

    def on_start(self):
        self.channel = self.environment.parsed_options.channel

    @task
    def look(self):
        for page in range(self.environment.parsed_options.depth):
            self.client.get(f"/{self.channel}/list?page={page}", context={"page": page})


class Quick(Base):
    wait_time = constant_pacing(0.02)
    weight = 3


class Patient(Base):
    wait_time = between(0.01, 0.02)
    fixed_count = 1
