//! What a process and everything it started have cost so far.

use std::collections::HashMap;
use std::time::Duration;

use crate::Result;

/// A line of `/proc/<pid>/stat`: parent, and clock ticks of the process and of its children that have ended.
struct Stat {
    parent: u32,
    ticks: u64,
}

/// CPU of a process and its descendants, those that have ended included.
pub fn spent(id: u32) -> Result<Duration> {
    let mut all = HashMap::new();
    for entry in std::fs::read_dir("/proc")?.flatten() {
        let Some(process) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        // It may have ended since the directory was read.
        if let Some(stat) = std::fs::read_to_string(entry.path().join("stat")).ok().as_deref().and_then(stat)
        {
            all.insert(process, stat);
        }
    }
    let is_ours = |process: &u32| {
        let mut next = Some(*process);
        while let Some(current) = next {
            if current == id {
                return true;
            }
            next = all.get(&current).map(|stat| stat.parent);
        }
        false
    };
    let ticks: u64 = all.iter().filter(|(process, _)| is_ours(process)).map(|(_, stat)| stat.ticks).sum();
    // A tick is a hundredth of a second to every program on Linux (USER_HZ).
    Ok(Duration::from_millis(ticks * 10))
}

/// The name in parentheses may hold anything; what counts stands behind it.
fn stat(line: &str) -> Option<Stat> {
    let fields: Vec<&str> = line.rsplit_once(") ")?.1.split(' ').collect();
    let ticks = fields.get(11..15)?.iter().map(|field| field.parse::<u64>().unwrap_or(0)).sum();
    Some(Stat { parent: fields.get(1)?.parse().ok()?, ticks })
}
