//! The planner, table by table and as a property.

mod auditing;
mod convergence;
mod destroying;
mod instances;
mod tables;
