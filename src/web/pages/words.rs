//! Words and links that every page uses: those of `render::words`.

use crate::model::PipelineKey;
pub(in crate::web) use crate::render::words::*;

/// The page of a pipeline, from the root.
pub(super) fn pipeline_link(pipeline: &PipelineKey) -> String {
    format!("delivery/pipelines/{}", encoded(&pipeline.to_string()))
}
