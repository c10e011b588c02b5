// A CommonJS module that marks its default export, which esbuild gives to Grafana's .mjs files as the whole module.
import * as all from './node_modules/@grafana/ui/node_modules/react-custom-scrollbars-2/lib/index.js';
export default all.default;
export const Scrollbars = all.Scrollbars;
