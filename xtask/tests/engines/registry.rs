//! The registry against what the checks really print.

use std::process::Command;

use libtest_mimic::Failed;
use serde_json::Value;

use crate::bed::Bed;

/// Every metric of a run that ends well has a place in the templates, and no scene ends otherwise than it says.
pub fn scenes(bed: &Bed) -> Result<(), Failed> {
    let recorder = bed.recorder()?;
    for scene in bed.scenes("root")? {
        let mut command = Command::new(recorder.plugins().join(scene.check.program));
        command.args(["--hostname", "localhost", "--output", "json"]).args(scene.words());
        let output = command.output()?;
        let printed: Value = serde_json::from_slice(&output.stdout)?;
        if output.status.code() != Some(scene.code) {
            return Err(format!("{}: {}: {}", scene.name, output.status, printed["message"]).into());
        }
        let labels = printed["metrics"].as_object().into_iter().flat_map(|metrics| metrics.keys());
        let is_unknown = |label: &&String| !scene.check.metrics.iter().any(|metric| metric.label == **label);
        if let Some(label) = labels.into_iter().find(is_unknown) {
            return Err(format!("{}: the registry has no metric '{label}'", scene.name).into());
        }
    }
    Ok(())
}
