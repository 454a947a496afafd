//! Tests of the stores as a task uses them: scenarios, and random operations against a model.

mod cost;
mod key_value;
mod key_value_model;
mod support;
mod window;
mod window_model;
