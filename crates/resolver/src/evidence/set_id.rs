//! Set-id bits of the program that an image runs: a source's do not reach the image.

use imgc_planner::recipe::ImagePath;

use super::scene::Scene;
use crate::error::ResolveError;
use crate::launch::SET_ID;

/// The bit by which a program runs as its group (`chmod(2)`).
const SET_GID: u16 = 0o2000;

/// Where games are (FHS 3.0, 4.3): they run as a group that may write the scores of all, and play without.
const GAMES: &[u8] = b"/usr/games/";

/// Returns a warning if the source has such a bit on the program, and the image has none.
pub(super) fn judge(scene: &Scene<'_>, start: Option<&ImagePath>) -> Option<ResolveError> {
    let starts = scene.runs.iter().filter(|run| run.is_start());
    let run = starts.into_iter().find(|run| Some(&run.place) == start)?;
    let mode = |roots: &crate::root::Roots, path: &[u8]| {
        roots.walk(path, &ImagePath::root()).ok().map(|walk| walk.stat.mode)
    };
    let source = mode(scene.surroundings.roots, &run.program)?;
    let image = mode(scene.image, run.place.as_bytes())?;
    let is_for_scores = source & SET_ID == SET_GID && run.program.starts_with(GAMES);
    let is_left_out = source & SET_ID != 0 && image & SET_ID == 0 && !is_for_scores;
    is_left_out.then(|| ResolveError::SetIdIsLeftOut {
        node: run.node,
        by: run.place.clone(),
        mode: source & 0o7777,
    })
}
