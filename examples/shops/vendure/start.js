// Serves the shop until it is stopped; its job queue runs in the same process.
const { JobQueueService, bootstrap } = require("@vendure/core");
const { config } = require("./config.js");

bootstrap(config)
  .then((app) => app.get(JobQueueService).start())
  .catch((error) => { console.error(error); process.exit(1); });
