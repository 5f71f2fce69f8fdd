use clap::Args;
use pintle_api::{PinResponse, RotationPin};
use pintle_service::rotation::RotationPhase;

use super::{Change, plan::PlanReport};
use crate::{CommandError, context::Context};

/// Options of `rotate finish`.
#[derive(Args, Clone, Debug)]
pub struct FinishArgs {
    /// Domain of the draft
    domain: String,
}

pub(super) async fn run(args: &FinishArgs, context: &Context) -> Result<(), CommandError> {
    let mut change = Change::load(context, &args.domain).await?;
    let mut standing = change.stand(true, context.now).await;
    match standing.phase {
        RotationPhase::Switched => {
            for pin in change.find_retiring() {
                change.client.remove_pin(change.project.reference(), &change.domain.id, &pin.id).await?;
            }
            change = Change::load(context, &args.domain).await?;
            standing = change.stand(true, context.now).await;
        }
        RotationPhase::Done => {
            change.client.end_rotation(change.project.reference(), &change.domain.id).await?;
            let report = PlanReport::new(&change, &standing).over();
            return context.output.show(&report, PlanReport::write_text);
        }
        RotationPhase::Retiring => {}
        _ => return Err(CommandError::NotSwitched { domain: change.domain.name.clone() }),
    }
    context.output.show(&PlanReport::new(&change, &standing), PlanReport::write_text)
}

impl Change {
    /// Those of the domain's pins in the draft that are to go.
    fn find_retiring(&self) -> impl Iterator<Item = &PinResponse> {
        let is_of = |pin: &PinResponse, old: &RotationPin| pin.pin_type == old.pin_type && pin.digest == old.digest;
        self.domain.pins.iter().filter(move |pin| self.rotation.retiring.iter().any(|old| is_of(pin, old)))
    }
}
