// Renders a dashboard's panels by Grafana's own components. `window.dashboard` is given by the test: the panels as they
// stand in the generated JSON, with the answers to their queries. What each panel showed is left in `window.rendered`.
import {
  applyFieldOverrides, createTheme, dateTime, FieldType, getFieldDisplayValues, Registry, standardFieldConfigEditorRegistry,
  standardTransformers, standardTransformersRegistry, ThemeContext, toDataFrame, transformDataFrame, VizOrientation,
} from '@grafana/data';
import { BarGauge, BigValue, DataLinkButton, ErrorBoundary, GlobalStyles, Table, TimeSeries } from '@grafana/ui';
import { createRoot } from 'react-dom/client';
import { lastValueFrom } from 'rxjs';

const theme = createTheme({ colors: { mode: window.dashboard.mode } });
document.body.style.background = theme.colors.background.canvas;
document.body.style.setProperty('--panel', theme.colors.background.primary);
document.body.style.setProperty('--text', theme.colors.text.primary);
document.body.style.setProperty('--border', theme.colors.border.weak);
const asText = (value) => value;

// The options of a field that overrides may set; Grafana's application has editors for them, here they are only applied.
const option = (path, isCustom) => ({
  id: isCustom ? `custom.${path}` : path, path, isCustom, name: path, process: (value) => value,
  override: () => null, editor: () => null, settings: {}, shouldApply: () => true,
});
const PLAIN = ['unit', 'min', 'max', 'decimals', 'noValue', 'mappings', 'links', 'thresholds', 'color', 'displayName'];
const CUSTOM = ['align', 'cellOptions', 'inspect', 'width', 'minWidth', 'drawStyle', 'fillOpacity', 'lineInterpolation', 'lineWidth',
  'lineStyle', 'showPoints', 'spanNulls', 'thresholdsStyle', 'stacking', 'axisPlacement', 'axisSoftMax'];
standardFieldConfigEditorRegistry.setInit(() => PLAIN.map((path) => option(path, false)));
const registry = new Registry(() => [...PLAIN.map((path) => option(path, false)), ...CUSTOM.map((path) => option(path, true))]);
const byId = new Map(Object.values(standardTransformers).map((one) => [one.id, one]));
standardTransformersRegistry.setInit(() => [...byId.values()].map((transformation) => (
  { id: transformation.id, transformation: async () => transformation, name: transformation.name, editor: () => null, imageDark: '', imageLight: '' }
)));

const legend = (pattern, labels) => pattern.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, name) => labels[name] ?? '') || 'Value';

// One frame a series, as Grafana's Prometheus data source makes them of a range; one a query, of a table. What is no number is
// a gap, as in Grafana's panel of lines.
function framesOf(panel, answers) {
  return panel.targets.flatMap((target) => {
    const series = answers[target.refId] ?? [];
    return target.format === 'table' ? table(panel, target, series) : series.map((one) => timeSeries(target, one));
  });
}

function timeSeries(target, one) {
  const name = legend(target.legendFormat, one.labels);
  return toDataFrame({
    refId: target.refId, name,
    fields: [
      { name: 'Time', type: FieldType.time, values: one.at },
      { name: 'Value', type: FieldType.number, values: one.values.map((value) => (Number.isFinite(value) ? value : null)), labels: one.labels, config: { displayNameFromDS: name } },
    ],
  });
}

function table(panel, target, series) {
  const labels = [...new Set(series.flatMap((one) => Object.keys(one.labels)))].sort();
  const value = panel.targets.length > 1 ? `Value #${target.refId}` : 'Value';
  return [toDataFrame({
    refId: target.refId,
    fields: [
      { name: 'Time', type: FieldType.time, values: series.map((one) => one.at.at(-1)) },
      ...labels.map((label) => ({ name: label, type: FieldType.string, values: series.map((one) => one.labels[label] ?? '') })),
      { name: value, type: FieldType.number, values: series.map((one) => one.values.at(-1)) },
    ],
  })];
}

async function shown(panel, answers) {
  const frames = framesOf(panel, answers);
  const data = await lastValueFrom(transformDataFrame(panel.transformations ?? [], frames));
  return applyFieldOverrides({
    data, fieldConfig: panel.fieldConfig, fieldConfigRegistry: registry, replaceVariables: asText, theme, timeZone: 'utc',
  });
}

// The links of an exemplar's trace, as a data source whose jsonData names where they lead gives them. Grafana's application
// fills in ${__value.raw}; its mark on the chart is its panel's own.
function traceLinks({ labels, value, at, destinations }) {
  const fields = Object.entries(labels).map(([name, text]) => ({
    name, type: FieldType.string, values: [text], config: { links: destinations.filter((one) => one.name === name).map(traceLink) },
  }));
  const frame = toDataFrame({ fields: [{ name: 'Time', type: FieldType.time, values: [at] }, { name: 'Value', type: FieldType.number, values: [value] }, ...fields] });
  const [made] = applyFieldOverrides({
    data: [frame], fieldConfig: { defaults: {}, overrides: [] }, fieldConfigRegistry: registry, replaceVariables: rawValue, theme, timeZone: 'utc',
  });
  return made.fields.flatMap((field) => field.getLinks({ valueRowIndex: 0 }));
}

const traceLink = ({ datasourceUid }) => ({
  title: `Query with ${datasourceUid}`, url: '',
  internal: { query: { query: '${__value.raw}', queryType: 'traceql' }, datasourceUid, datasourceName: datasourceUid },
});

function rawValue(text, scoped) {
  const { field, rowIndex } = scoped?.__dataContext?.value ?? {};
  return text.replace('${__value.raw}', () => field.values[rowIndex]);
}

function Component({ panel, frames, range, width, height }) {
  const filled = frames.filter((frame) => frame.length);
  if (!filled.length) {
    return <div className="nothing">{panel.fieldConfig.defaults.noValue ?? 'No data'}</div>;
  }
  switch (panel.type) {
    case 'timeseries':
      return <TimeSeries frames={filled} width={width} height={height} timeRange={range} timeZone="utc" legend={panel.options.legend} options={panel.options} />;
    case 'table':
      return <Table data={filled[0]} width={width} height={height} initialSortBy={panel.options.sortBy} />;
    case 'stat':
    case 'bargauge': {
      const values = getFieldDisplayValues({
        fieldConfig: panel.fieldConfig, reduceOptions: panel.options.reduceOptions, replaceVariables: asText, theme, data: filled, sparkline: true, timeZone: 'utc',
      });
      return <div className={panel.type}>{values.map((one, place) => <One key={place} panel={panel} value={one} count={values.length} width={width} height={height} />)}</div>;
    }
    default:
      throw new Error(`no component for a panel of type ${panel.type}`);
  }
}

function One({ panel, value, count, width, height }) {
  if (panel.type === 'bargauge') {
    const size = Math.max(panel.options.minVizHeight, Math.floor(height / count) - 2);
    return <BarGauge theme={theme} width={width} height={size} value={value.display} field={value.field} display={value.view?.getFieldDisplayProcessor(value.colIndex ?? 1)}
      orientation={VizOrientation.Horizontal} displayMode={panel.options.displayMode} showUnfilled valueDisplayMode={panel.options.valueMode} namePlacement={panel.options.namePlacement} text={panel.options.text} />;
  }
  return <div><BigValue theme={theme} width={Math.floor(width / count)} height={height} value={value.display} count={count} sparkline={value.sparkline}
    colorMode={panel.options.colorMode} graphMode={panel.options.graphMode} justifyMode={panel.options.justifyMode} textMode={panel.options.textMode} /></div>;
}

const CELL = 30, GAP = 8, HEADER = 28;
// Up to this width Grafana gives every panel the whole of it, one below the other.
const NARROW = 768;

// Where a panel stands, in px: `y` of one that is stacked is where the one before it ended.
function placed({ x, y, w, h }, width, below) {
  const column = width / 24, height = h * (CELL + GAP) - GAP;
  return width <= NARROW ? { x: 0, y: below, width, height } : { x: x * column, y: y * (CELL + GAP), width: w * column - GAP, height };
}

async function render() {
  const { panels, from, to, width } = window.dashboard;
  const range = { from: dateTime(from), to: dateTime(to), raw: { from: dateTime(from), to: dateTime(to) } };
  const root = document.getElementById('root');
  let below = 0;
  window.rendered = {};
  for (const { panel, answers, exemplars } of panels) {
    const place = placed(panel.gridPos, width, below);
    const frame = document.createElement('section');
    Object.assign(frame.style, { left: `${place.x}px`, top: `${place.y}px`, width: `${place.width}px`, height: `${place.height}px` });
    below = Math.max(below, place.y + place.height + GAP);
    frame.dataset.panel = panel.id;
    frame.innerHTML = '<h2></h2><div></div>';
    frame.firstChild.textContent = panel.title;
    root.append(frame);
    const size = { width: place.width - 20, height: place.height - HEADER - 12 };
    try {
      const frames = await shown(panel, answers);
      createRoot(frame.lastChild, { onUncaughtError: (error) => fail(panel, error) }).render(
        <ThemeContext.Provider value={theme}>
          <GlobalStyles />
          <ErrorBoundary onError={(error) => fail(panel, error)}>
            {({ error }) => error ? <b>{String(error)}</b> : <>
              <Component panel={panel} frames={frames} range={range} {...size} />
              {exemplars.flatMap(traceLinks).map((link, place) => <span key={place} className="exemplar"><DataLinkButton link={link} /></span>)}
            </>}
          </ErrorBoundary>
        </ThemeContext.Provider>);
    } catch (error) {
      fail(panel, error);
    }
  }
  root.style.height = `${below}px`;
  await settled();
  for (const frame of document.querySelectorAll('section')) {
    const known = window.rendered[frame.dataset.panel] ?? {};
    window.rendered[frame.dataset.panel] = { ...known, text: frame.lastChild.innerText, canvases: frame.querySelectorAll('canvas').length };
  }
  document.body.dataset.done = 'yes';
}

// Waits until what is on the page has not changed for a while: charts are drawn when the browser has time for them.
async function settled() {
  const CHECKS = 4, EACH_MS = 500, MOST = 60;
  for (let same = 0, before = '', n = 0; same < CHECKS && n < MOST; n++) {
    await new Promise((resolve) => setTimeout(resolve, EACH_MS));
    const now = `${document.querySelectorAll('canvas').length} ${document.getElementById('root').innerText.length}`;
    same = now === before ? same + 1 : 0;
    before = now;
  }
}

function fail(panel, error) {
  window.rendered[panel.id] = { error: String(error?.stack ?? error) };
}

render().catch((error) => { window.rendered = { page: { error: String(error?.stack ?? error) } }; document.body.dataset.done = 'yes'; });
