export { Badge } from "./Badge";
export { Button } from "./Button";
export { Kpi } from "./Kpi";
export { Panel } from "./Panel";
export { Select } from "./Select";
export { Empty, ErrorState, Forbidden, Query, Skeleton } from "./states";
export { Table, type Column } from "./Table";
