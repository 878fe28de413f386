#!/usr/bin/env bash
# Several machines with this folder under the same path.
# First, on the head: ray start --head --port=6379; on every other machine: ray start --address=HEAD:6379
# Then run this on the head.
# Settings given to this script win over those below: ./run.sh trainer.total_epochs=1
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
settings=(
  algorithm.adv_estimator=grpo
  algorithm.norm_adv_by_std_in_grpo=True
  algorithm.use_kl_in_reward=False
  data.train_files="$HERE/train.parquet"
  data.val_files="$HERE/val.parquet"
  data.train_batch_size=8
  data.max_prompt_length=8192
  data.max_response_length=128
  data.truncation=error
  data.filter_overlong_prompts=False
  data.image_key=images
  data.video_key=videos
  data.image_patch_size=14
  data.seed=0
  actor_rollout_ref.model.path=Qwen/Qwen2.5-VL-3B-Instruct
  actor_rollout_ref.model.use_remove_padding=True
  actor_rollout_ref.model.enable_gradient_checkpointing=True
  actor_rollout_ref.actor.strategy=fsdp2
  actor_rollout_ref.actor.optim.lr=0.0001
  actor_rollout_ref.actor.optim.weight_decay=0
  'actor_rollout_ref.actor.optim.betas=[0.9,0.95]'
  actor_rollout_ref.actor.optim.lr_warmup_steps_ratio=0
  actor_rollout_ref.actor.optim.lr_scheduler_type=constant
  actor_rollout_ref.actor.optim.min_lr_ratio=0
  actor_rollout_ref.actor.grad_clip=1.0
  actor_rollout_ref.actor.ppo_mini_batch_size=8
  actor_rollout_ref.actor.ppo_epochs=1
  actor_rollout_ref.actor.use_dynamic_bsz=True
  actor_rollout_ref.actor.clip_ratio_low=0.2
  actor_rollout_ref.actor.clip_ratio_high=0.2
  actor_rollout_ref.actor.clip_ratio_c=10000
  actor_rollout_ref.actor.policy_loss.loss_mode=vanilla
  actor_rollout_ref.actor.loss_agg_mode=token-mean
  actor_rollout_ref.actor.entropy_coeff=0
  actor_rollout_ref.actor.use_kl_loss=False
  actor_rollout_ref.rollout.name=vllm
  actor_rollout_ref.rollout.tensor_model_parallel_size=1
  actor_rollout_ref.rollout.n=8
  actor_rollout_ref.rollout.temperature=1
  actor_rollout_ref.rollout.top_p=1
  reward.custom_reward_function.path="$HERE/reward.py"
  reward.custom_reward_function.name=compute_score
  'trainer.logger=[console]'
  trainer.project_name=wherewise
  trainer.experiment_name=run
  trainer.default_local_dir="$HERE/checkpoints"
  trainer.n_gpus_per_node=8
  trainer.nnodes=1
  trainer.save_freq=100
  trainer.test_freq=100
  trainer.val_before_train=True
  trainer.max_actor_ckpt_to_keep=2
  trainer.total_training_steps=20
)
exec python3 -m verl.trainer.main_ppo "${settings[@]}" "$@"
