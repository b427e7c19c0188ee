// SPDX-License-Identifier: Apache-2.0
//
// The agents of this plugin. Input has been checked against its schema when an agent sees it, and
// output is checked against its own afterwards. seam.rs, beside this file, is the ABI in Rust; no
// crate is needed.
mod seam;

use seam::{Call, Failure, Json};

/// Same input, same output, and nothing else in the world: `pure`.
fn greet(call: &Call) -> Result<Json, Failure> {
    let name = call.input()?.text("name")?;
    Ok(Json::object([("greeting", Json::Text(format!("Hello, {}!", name)))]))
}

seam::plugin! {
    id: "org.example.@NAME@",
    version: "0.1.0",
    agents: [("greet", seam::PURE, 0, greet)],
}
