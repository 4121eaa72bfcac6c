//! The sandbox's texts against the extractor: what a customer's program would read is what was sent.

use numberotp_core::otp;
use numberotp_providers::sandbox::texts;

#[test]
fn the_extractor_finds_the_code_of_every_sandbox_text() {
    let mut wrong = Vec::new();
    for service in texts::services().chain(["no-such-service"]) {
        for pick in 0..200_u64 {
            let rendered = texts::text_for(service).render(pick.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let found = otp::extract(&rendered.text).code.map(|code| code.expose().to_owned());
            if found.as_deref() != Some(&*rendered.code) {
                wrong.push((service.to_owned(), rendered.code, found, rendered.text));
            }
        }
    }
    let sample: Vec<_> = wrong.iter().take(5).collect();
    assert!(wrong.is_empty(), "{} wrong, such as {sample:#?}", wrong.len());
}
